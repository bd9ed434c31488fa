"""Bronze to Silver and quarantine on Apache Spark, with the kernel and the decisions of the in-process runner.

    session = lake_session(spark, lake)
    refine_stream(session, lake, "fmp", stream, "fmp_daily_bars", run_id)

`python -m finks.run.spark --help` is the same as a job.
"""

from finks.transform.spark.refine import refine_stream
from finks.transform.spark.session import lake_session

__all__ = ["lake_session", "refine_stream"]
