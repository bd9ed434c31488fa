"""The last stage of a run: build Gold, and publish it when every test passed."""

from __future__ import annotations

from finks.errors import ConfigurationError, FinksError, QualityError
from finks.lake import Lake
from finks.lake.aws_errors import told
from finks.run.events import Event, Observer
from finks.run.gold import dbt_build, project_directory, source_tables
from finks.run.gold_engines import gold_engine
from finks.run.report import HELD_BACK, RunReport
from finks.run.settings import Settings
from finks.run.sourcing import ADVICE


def publish_gold(lake: Lake, settings: Settings, report: RunReport, observer: Observer) -> None:
    """Build, test and publish; whatever fails leaves the served release and says so in the report."""
    if report.gold.status == HELD_BACK:
        return
    try:
        with told():
            _build_and_publish(lake, settings, report, observer)
    except FinksError as error:
        report.gold.status = "failed"
        report.gold.failures = report.gold.failures or [str(error)]
        report.settle(
            error.exit_code, f"Gold was not published: {error.message}", error.hint or ADVICE[error.exit_code]
        )


def _build_and_publish(lake: Lake, settings: Settings, report: RunReport, observer: Observer) -> None:
    project = project_directory(settings.gold.project)
    missing = sorted(source_tables(project) - set(lake.tables()["silver"]))
    if missing:
        raise ConfigurationError(
            f"Gold is made of tables that no configured source delivers: {', '.join(missing)}.",
            where="[sources]",
            hint="Configure the sources and streams that deliver them, or set gold.enabled = false.",
        )
    engine = gold_engine(lake, settings)
    observer(Event("dbt.started", str(project)))
    with lake.place.scratch(report.run_id) as scratch:
        build = dbt_build(
            project,
            engine,
            scratch,
            logical_date=report.logical_date,
            as_of=None,
            timeout=settings.gold.timeout,
        )
        observer(Event("dbt.finished", str(project)))
        report.gold.tests = build.tests
        report.gold.failures = list(build.failures)
        report.gold.scanned_bytes = build.scanned_bytes
        report.gold.models, report.gold.sources = build.models, build.sources
        if build.failures:
            raise QualityError(f"{len(build.failures)} dbt nodes failed.", got=build.failures[0])
        marts = {mart: engine.read(scratch, *relation) for mart, relation in build.marts.items()}
    observer(Event("gold.before_publish"))
    release = lake.publish(marts, run_id=report.run_id)
    report.gold.tables = dict(release.rows)
    report.gold.status = "unchanged" if release.unchanged else "published"
    observer(Event("gold.published", str(release.release_id)))
