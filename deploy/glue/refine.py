"""The script of the AWS Glue job that refines a source's streams: Bronze to Silver and quarantine.

It holds nothing of its own: the job is `finks.run.spark`, and docs/spark.md lists its arguments and those of Glue.
"""

import sys

from finks.run.spark import main

if code := main(strict=False):
    sys.exit(code)
