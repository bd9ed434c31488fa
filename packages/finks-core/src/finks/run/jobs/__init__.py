"""Work of a run that another process does: on this machine, as an AWS Glue job or as an ECS task."""

from __future__ import annotations

from finks.run.jobs.model import Ending, Job, Launcher, RunningJob
from finks.run.jobs.process import Process, ProcessLauncher
from finks.run.jobs.watching import watch

__all__ = ["Ending", "Job", "Launcher", "Process", "ProcessLauncher", "RunningJob", "watch"]
