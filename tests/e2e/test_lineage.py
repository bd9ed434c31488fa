"""Lineage of the demo's runs: events in the standard's form, the graph, and the responses behind a number."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import date

import finks
import polars as pl
import pyarrow.compute as pc
import pytest
from finks.lineage.edges import happening, label
from finks.lineage.store import EventStore
from finks.lineage.trace import REF, Work, chosen, recorded_models
from finks.lineage.view import Lineage
from finks_connectors.demo.command import DEMO_KEY
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import column_lineage_dataset, parent_run, schema_dataset
from openlineage.client.serde import Serde

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]

MART = "gold.daily_portfolio_summary"
WHERE = {"portfolio_id": "us-retirement", "date": "2012-06-01"}


@pytest.fixture(scope="module")
def lake(demo):
    return finks.open(demo[0] / "finks-demo/lake")


@pytest.fixture(scope="module")
def store(lake) -> EventStore:
    return EventStore(lake.place)


@pytest.fixture(scope="module")
def lineage(lake) -> Lineage:
    return Lineage(lake)


def test_every_event_is_what_the_standard_s_classes_make_of_it(store):
    events = [event for run_id in store.runs() for event in store.of_run(run_id)]
    assert len(events) > 100
    for event in events:
        kept = RunEvent(
            eventType=RunState(event["eventType"]), eventTime=event["eventTime"], run=Run(**event["run"]),
            job=Job(**event["job"]), producer=event["producer"],
            inputs=[InputDataset(**item) for item in event["inputs"]],
            outputs=[OutputDataset(**item) for item in event["outputs"]],
        )  # fmt: skip
        assert Serde.to_dict(kept) == event
        for dataset in event["inputs"] + event["outputs"]:
            for facet in dataset["facets"].values():
                assert facet["_producer"].startswith("pkg:pypi/finks-core@")
                assert facet["_schemaURL"].startswith("https://openlineage.io/spec/")


def test_known_facets_are_read_by_their_own_classes(store):
    read = 0
    for event in store.of_run(store.runs()[0]):
        if parent := event["run"]["facets"].get("parent"):
            parent_run.ParentRunFacet(parent_run.Run(**parent["run"]), parent_run.Job(**parent["job"]))
        for output in event["outputs"]:
            for item in output["facets"].get("schema", {}).get("fields", []):
                schema_dataset.SchemaDatasetFacetFields(**item)
            for fields in output["facets"].get("columnLineage", {}).get("fields", {}).values():
                read += sum(bool(column_lineage_dataset.InputField(**item)) for item in fields["inputFields"])
    assert read > 200


def test_every_job_of_a_run_starts_and_ends_once_under_the_run(store):
    run_id = store.runs()[0]
    events = list(store.of_run(run_id))
    told = [happening(event) for event in events]
    assert {item.run_id for item in told} == {run_id}
    assert sorted((i.job, i.type) for i in told) == sorted(
        (j, t) for j in {i.job for i in told} for t in ("START", "COMPLETE")
    )
    assert {job.partition(".")[0] for _, job in ((i.type, i.job) for i in told)} == {
        "run", "ingest", "refine", "build", "publish",
    }  # fmt: skip
    assert len({(e["run"]["runId"], e["eventType"], e["job"]["name"]) for e in events}) == len(events)


def test_the_steps_carry_rows_and_snapshots(lake, store):
    ended = {e["job"]["name"]: e for e in store.of_run(store.runs()[0]) if e["eventType"] == "COMPLETE"}
    bars = ended["refine.fmp_daily_bars"]
    silver = next(o for o in bars["outputs"] if label(o, bars) == "silver.fmp_daily_bars")
    assert silver["outputFacets"]["outputStatistics"]["rowCount"] == lake.history("fmp_daily_bars").polars().height
    facts = bars["run"]["facets"]["finks"]["facts"]
    release = lake.releases()[0]
    assert facts["silverSnapshot"] == str(release.silver_snapshots["fmp_daily_bars"])
    assert bars["inputs"][0]["facets"]["version"]["datasetVersion"] == facts["bronzeSnapshot"]
    assert (
        silver["facets"]["columnLineage"]["fields"]["close"]["inputFields"][0]["transformations"][0]["description"]
        == "adjClose"
    )
    published = ended["publish.daily_portfolio_summary"]
    assert published["run"]["facets"]["finks"]["facts"]["release"] == release.release_id
    assert published["outputs"][0]["facets"]["version"]["datasetVersion"] == str(
        release.marts["daily_portfolio_summary"].snapshot_id
    )


def test_the_graph_reaches_from_the_vendor_to_the_mart(lineage):
    graph = lineage.graph("daily_portfolio_summary")
    names = graph.datasets
    assert {"silver.fmp_splits", "bronze.fmp_splits", "build.int_holdings", "build.daily_portfolio_summary"} <= names
    assert any(name.startswith("http://127.0.0.1") and name.endswith("/stable/splits") for name in names)
    assert "silver.fmp_adjusted_daily_bars" not in names
    assert MART in {edge.target for edge in lineage.graph("silver.fmp_splits").downstream}


def test_a_column_leaves_out_what_its_value_does_not_come_from(lineage):
    names = lineage.graph(MART, ["market_value"]).datasets
    assert "silver.fmp_daily_bars" in names
    assert "silver.fmp_dividends" not in names
    assert "silver.fmp_dividends" in lineage.graph(MART, ["income"]).datasets


def test_the_index_built_again_from_the_events_is_the_same(lake, lineage):
    before = {name: lineage.graph(name) for name in lineage.datasets()}
    assert lineage.rebuild() == 2
    assert {name: lineage.graph(name) for name in lineage.datasets()} == before


@pytest.fixture(scope="module")
def total(lineage):
    return lineage.trace(MART, WHERE, ["total_value"])


def test_the_responses_behind_a_number_are_proven(total, lake):
    assert total.proven
    ((_, day, value),) = [tuple(row.values()) for row in total.rows]
    assert day == date(2012, 6, 1)
    served = lake.gold("daily_portfolio_summary").polars()
    assert value == served.filter(pl.col("portfolio_id") == "us-retirement", pl.col("date") == day)["total_value"][0]
    assert {"fmp_daily_bars", "files_transactions", "fmp_splits"} <= {r.table for r in total.responses}
    assert "fmp_adjusted_daily_bars" not in {r.table for r in total.responses}


def test_a_response_without_which_the_number_changes_is_listed(lake, store, total):
    rows = chosen(lake.gold("daily_portfolio_summary").polars(), MART, WHERE, ["total_value"])
    release = lake.releases()[0]
    work = Work.of(lake, release, recorded_models(store, release), "daily_portfolio_summary", rows, tuple(WHERE))
    whole = work.whole()
    silver = {table: whole.table(at) for at, table in work.silver.items()}
    assert work.reproduced(whole, silver)
    mattered = set()
    for table, stored in silver.items():
        for response in set(stored[REF].to_pylist()):
            without = stored.filter(pc.not_equal(stored[REF], response))
            if not work.reproduced(whole, {**silver, table: without}):
                mattered.add(response)
    assert len(mattered) > 5
    assert mattered <= {response.response_id for response in total.responses}


def test_where_the_number_cannot_be_made_again_every_response_is_listed(lake, store):
    rows = chosen(lake.gold("daily_portfolio_summary").polars(), MART, WHERE, ["total_value"])
    release = lake.releases()[0]
    models = [
        replace(model, sql=f"{model.sql} limit 0") if model.name == "int_holdings" else model
        for model in recorded_models(store, release)
    ]
    found, proven = Work.of(lake, release, models, "daily_portfolio_summary", rows, tuple(WHERE)).run()
    assert not proven
    for table, stored in found.rows.items():
        assert stored.num_rows == lake.history(table).polars().height


def test_the_bodies_are_those_that_the_ledger_names(lineage, total):
    bodies = lineage.bodies(total)
    assert {r.response_id: r.body_sha256 for r in total.responses} == {
        name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()
    }


def test_the_versions_name_their_responses(lake, total):
    known = set(lake.history("fmp_splits", with_versions=True).polars()[REF])
    assert {r.response_id for r in total.responses if r.table == "fmp_splits"} <= known


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "silver.fmp_daily_bars"),
        ((MART,), "└── build.daily_portfolio_summary"),
        ((MART, "--column", "total_value"), "build.fct_position_daily [market_value]"),
        (("dim_security", "--mermaid"), "flowchart LR"),
        (("--rebuild", "fmp_splits"), "silver.fmp_splits"),
        (
            (MART, "--where", "portfolio_id=euro-savings,date=2010-01-04", "--column", "cash"),
            "of these responses alone",
        ),
    ],
)
def test_the_command_shows_it(demo, finks_command, arguments, words):
    done = finks_command("lineage", *arguments, "-c", "finks-demo", cwd=demo[0])
    assert done.returncode == 0, done.stderr
    assert words in done.stdout


def test_the_command_tells_what_happened_in_a_run(demo, finks_command, store):
    done = finks_command("lineage", store.runs()[0], "-c", "finks-demo", cwd=demo[0])
    assert "COMPLETE  publish.daily_portfolio_summary" in done.stdout


def test_no_secret_is_in_any_event(demo):
    folder = demo[0] / "finks-demo/lake/lineage"
    assert not [file for file in folder.rglob("*.ndjson") if DEMO_KEY in file.read_text()]


def test_the_snippet_of_the_page_runs(repository, lake):
    (snippet,) = re.findall(r"```python\n(.*?)```", (repository / "docs/lineage.md").read_text(), re.DOTALL)
    exec(compile(snippet, "docs/lineage.md", "exec", dont_inherit=True), {"lake": lake})


def test_the_command_gives_json_and_writes_bodies(demo, finks_command, tmp_path):
    graph = json.loads(finks_command("lineage", MART, "--json", "-c", "finks-demo", cwd=demo[0]).stdout)
    assert graph["upstream"][0].keys() >= {"source", "target", "job", "run_id", "columns"}
    where = ("--where", "portfolio_id=us-retirement", "--where", "date=2012-06-01", "--column", "positions")
    done = finks_command(
        "lineage", MART, *where, "--json", "--bodies", str(tmp_path / "b"), "-c", "finks-demo", cwd=demo[0]
    )
    found = json.loads(done.stdout)
    assert {file.name for file in (tmp_path / "b").iterdir()} == {r["response_id"] for r in found["responses"]}


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("gold.daily_portfolio_sumary",), "daily_portfolio_summary"),
        ((MART, "--column", "nothing"), "total_value"),
        ((MART, "--where", "nothing"), "column=value"),
        ((MART, "--where", "portfolio_id=nobody"), "0 rows"),
    ],
)
def test_a_wrong_name_is_told_with_what_there_is(demo, finks_command, arguments, hint):
    done = finks_command("lineage", *arguments, "-c", "finks-demo", cwd=demo[0])
    assert done.returncode == 2
    assert hint in done.stderr
