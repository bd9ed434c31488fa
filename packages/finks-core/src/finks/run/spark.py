"""`python -m finks.run.spark`: refine a source's streams on Spark, as one job.

Only `deploy/glue/refine.py` and the command line come here: whoever has a session calls
`finks.transform.spark.refine_stream`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any

from pyspark.sql import SparkSession

from finks.errors import ConfigurationError, FinksError
from finks.lake import Lake
from finks.lake.lake import utc_now
from finks.lake.lease import Holder
from finks.observe import run_context
from finks.observe.correlation import TRACE_VARIABLE
from finks.plugins import build_source
from finks.run.identity import new_run_id
from finks.run.jobs.results import Failure, RefineResult
from finks.run.planning import selected_streams, table_name
from finks.source.model import Stream
from finks.source.protocol import BaseSource
from finks.transform.refined import Refined
from finks.transform.spark import lake_session, refine_stream
from finks.transform.spark.session import ICEBERG


def parser() -> argparse.ArgumentParser:
    """The job's arguments. Each may be given once, as AWS Glue passes them."""
    made = argparse.ArgumentParser(
        "finks.run.spark", description="Bronze to Silver and quarantine, on Spark.", allow_abbrev=False
    )
    made.add_argument("--lake", required=True, help="The lake's directory, or s3://bucket/prefix.")
    made.add_argument("--source", required=True, help="The source's plugin, for example fmp.")
    made.add_argument(
        "--settings",
        default="{}",
        help="The source's settings as a JSON object. The job calls no vendor: a key that is required may be any text.",
    )
    made.add_argument(
        "--streams", default="", help="Streams, separated by commas; all that the source offers if absent."
    )
    made.add_argument("--run_id", default="", help="What `_run_id` says; that of --joins, or a new UUIDv7, if absent.")
    made.add_argument(
        "--joins", default="", help="The run that started the job and holds the lake; the job takes no lease itself."
    )
    made.add_argument("--report", default="", help="Keep what was done as this small file of the lake too.")
    made.add_argument("--traceparent", default="", help="The W3C trace context of the run that started the job.")
    made.add_argument("--iceberg", default=ICEBERG, help="The Java package of Iceberg; %(default)s if absent.")
    return made


def run(arguments: argparse.Namespace) -> None:
    """Refine the streams one after the other, under the lake's lease or the joined run's. Prints a line of JSON each.

    Raises:
        FinksError: As `refine_stream` does; what was committed before stays.
    """
    source = build_source(arguments.source, _settings(arguments.settings))
    streams = list(_chosen(source, arguments.streams))
    lake = Lake.open(arguments.lake)
    with _reporting(lake, arguments.report) as report:
        run_id = arguments.run_id or arguments.joins or new_run_id(utc_now(), random.SystemRandom().getrandbits)
        with run_context(run_id, "finks refine", source=source.name), _leased(lake, run_id, arguments.joins):
            spark = SparkSession.Builder().appName(f"finks refine {source.name}").getOrCreate()
            session = lake_session(spark, lake, package=arguments.iceberg)
            for stream in streams:
                start = time.monotonic()
                table = table_name(source.name, stream.name)
                done = refine_stream(session, lake, source.name, stream, table, run_id, step=_tell)
                line = {"run_id": run_id, **asdict(done), "seconds": round(time.monotonic() - start, 3)}
                sys.stdout.write(json.dumps(line) + "\n")
                report(done)


def main(argv: Sequence[str] | None = None, *, strict: bool = True) -> int:
    """Run the job.

    Args:
        argv: The arguments; those of the process if None.
        strict: Refuse an argument that is not known. AWS Glue adds its own, which are only named.

    Returns:
        The exit code: 0, or that of the error's class.
    """
    known, others = parser().parse_known_args(argv)
    names = sorted(name for name in others if name.startswith("--"))
    if strict and others:
        parser().error(f"unknown arguments: {' '.join(others)}")
    if known.traceparent:
        os.environ[TRACE_VARIABLE] = known.traceparent
    if names:
        _tell(f"not of this job: {' '.join(names)}")
    try:
        run(known)
    except FinksError as error:
        _tell(str(error))
        return error.exit_code
    return 0


def _leased(lake: Lake, run_id: str, joins: str) -> AbstractContextManager[Holder]:
    return lake.join(joins) if joins else lake.hold(run_id=run_id, command="finks.run.spark")


@contextmanager
def _reporting(lake: Lake, name: str) -> Generator[Callable[[Refined], None]]:
    """Takes the counts of each stream, and keeps those so far under the name, where one is given; a failure too."""
    result = RefineResult()

    def keep() -> None:
        if name:
            lake.place.keep(name, result.model_dump_json(indent=2))

    def add(counts: Refined) -> None:
        result.streams.append(counts)
        keep()

    try:
        yield add
    except FinksError as error:
        result.failure = Failure.of(error)
        keep()
        raise
    keep()


def _tell(text: str) -> None:
    sys.stderr.write(f"finks: {text}\n")
    sys.stderr.flush()


def _settings(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        # The text may hold a key, so it is not repeated.
        raise ConfigurationError(
            "The source's settings cannot be read.", where="--settings", expected='a JSON object: {"<name>": <value>}'
        )
    return found


def _chosen(source: BaseSource, names: str) -> Iterator[Stream]:
    offered = {stream.name: stream for stream in selected_streams(source)}
    for name in filter(None, (part.strip() for part in names.split(","))) if names.strip() else offered:
        if name not in offered:
            raise ConfigurationError(
                "The source has no such stream.", where="--streams", expected=f"of {', '.join(offered)}", got=name
            )
        yield offered[name]


if __name__ == "__main__":
    sys.exit(main())
