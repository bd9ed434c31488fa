"""Two scheduled runs of one lake that are due at the same instant: one does the work, the other ends as documented."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from finks.lake.place import place_of

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]

sys.path[:0] = [str(Path(__file__).parents[2] / "e2e")]

FIELDS = ("flow_id", "entrypoint", "parameters", "parameter_openapi_schema", "work_pool_name", "tags")


@pytest.fixture
def undisturbed(prefect, vendor) -> dict[str, list]:
    """What one run makes of the vendor's answers, all alone. Its settings are those that are deployed."""
    from crashing import contents

    prefect.deployed(vendor.settings)
    folder = prefect.project / "alone"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("finks.toml", "transactions.csv", "portfolios.csv"):
        shutil.copy(prefect.project / name, folder)
    assert prefect.finks("run", cwd=folder).returncode == 0
    return contents(folder / "lake", gold=False)


def soon() -> datetime:
    """A full minute in 20 to 80 s: the scheduler looks every 5 s."""
    return (datetime.now(UTC) + timedelta(seconds=80)).replace(second=0, microsecond=0)


def schedule(at: datetime, slug: str) -> dict:
    cron = {"cron": f"{at.minute} {at.hour} * * *", "timezone": "UTC"}
    return {"slug": slug, "schedule": cron, "active": True}


def another_deployment(prefect, at: datetime):
    """Of the same flow and the same settings, beside the one that finks made."""
    ours = prefect.deployment()
    prefect.call("PATCH", f"/deployments/{ours['id']}", {"schedules": [schedule(at, "finks")]})
    twin = {name: ours[name] for name in FIELDS}
    prefect.call("POST", "/deployments/", {**twin, "name": "twin", "schedules": [schedule(at, "finks")]})


def another_schedule(prefect, at: datetime):
    """Of the deployment that finks made, which lets one run in at a time."""
    both = [schedule(at, "finks"), schedule(at, "twin")]
    prefect.call("PATCH", f"/deployments/{prefect.deployment()['id']}", {"schedules": both})


def runs_due(prefect, at: datetime) -> list[dict]:
    """The runs of the nightly that are due at an instant."""
    due = {"after_": at.isoformat(), "before_": (at + timedelta(seconds=1)).isoformat()}
    body = {"flows": {"name": {"any_": ["nightly"]}}, "flow_runs": {"expected_start_time": due}}
    return prefect.call("POST", "/flow_runs/filter", body)


@pytest.mark.parametrize(
    ("twin", "state"), [(another_deployment, "LakeBusy"), (another_schedule, "Skipped")], ids=["deployment", "schedule"]
)
def test_of_two_runs_that_are_due_at_once_one_does_the_work(prefect, vendor, undisturbed, twin, state):
    from crashing import contents

    lake = prefect.project / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    vendor.asked.clear()
    vendor.free.clear()
    at = soon()
    try:
        twin(prefect, at)
        runs = prefect.wait_for(lambda: found if len(found := runs_due(prefect, at)) > 1 else None)
        assert vendor.asked.wait(240)
        vendor.free.set()
        ended = [prefect.ended(run["id"])["name"] for run in runs]
    finally:
        for each in prefect.call("POST", "/deployments/filter", {"deployments": {"name": {"any_": ["twin"]}}}):
            prefect.call("DELETE", f"/deployments/{each['id']}")
        prefect.deployed()
    assert all(run["auto_scheduled"] for run in runs)
    assert sorted(ended) == sorted(["Completed", state])
    assert contents(lake, gold=False) == undisturbed
    assert len(place_of(lake).kept_names("runs/")) == 1
    assert vendor.alerts == []
