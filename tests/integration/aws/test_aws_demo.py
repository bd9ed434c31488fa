"""`finks demo` on S3 and Glue: the same Gold and Silver, cell by cell, as in a directory."""

from __future__ import annotations

import re
from datetime import date

import finks
import pytest
from crashing import comparable, contents

pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.xdist_group("demo")]

ADDRESS = "s3://finks-demo/lake"


@pytest.fixture(scope="module")
def demo_on_aws(local_aws, tmp_path_factory, finks_command):
    """The directory in which `finks demo --lake s3://…` ran, and the finished process."""
    folder = tmp_path_factory.mktemp("aws-demo")
    return folder, finks_command("demo", "--lake", ADDRESS, cwd=folder, **local_aws.environment)


def test_the_demo_on_aws_ends_well(demo_on_aws):
    _, done = demo_on_aws
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Gold: published; release 1 is served." in done.stdout


def test_every_table_equals_the_one_on_local_disk(demo, demo_on_aws, aws_environment):
    local = demo[0] / "finks-demo/lake"
    assert contents(ADDRESS, gold=True) == contents(local, gold=True)


def test_every_mart_equals_the_one_on_local_disk(demo, demo_on_aws, aws_environment):
    here, there = finks.open(demo[0] / "finks-demo/lake"), finks.open(ADDRESS)
    names = here.tables()["gold"]
    assert there.tables()["gold"] == names
    assert len(names) >= 4
    for name in names:
        mine, theirs = here.gold(name).arrow(), there.gold(name).arrow()
        assert theirs.schema.equals(mine.schema), name
        assert comparable(there.gold(name).polars()) == comparable(here.gold(name).polars()), name


def test_athena_gives_the_same_sums(demo_on_aws, aws_environment):
    lake = finks.open(ADDRESS)
    query = "select portfolio_id, count(*) as n, sum(total_value) as total from gold.daily_portfolio_summary group by 1"
    athena = lake.sql(query, engine="athena")
    assert sorted(athena.polars().rows()) == sorted(lake.sql(query).polars().rows())
    assert athena.cost is not None
    assert athena.cost.bytes_scanned > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status",), "Gold release 1 is served."),
        (("plan",), "22 keys have nothing to fetch"),
        (("query", "select count(*) as n from silver.fmp_splits"), "3"),
        (("query", "--athena", "select count(*) as n from silver.fmp_splits"), "Athena scanned"),
        (("quarantine", "show", "fmp_daily_bars"), "Open rejects in fmp_daily_bars"),
        (("maintain",), "files"),
        (("doctor",), "tables in s3://finks-demo/lake"),
    ],
)
def test_a_documented_command_works_on_the_lake_on_aws(demo_on_aws, local_aws, finks_command, arguments, words):
    folder, _ = demo_on_aws
    done = finks_command(*arguments, "-c", "finks-demo", cwd=folder, **local_aws.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert words in done.stdout


def test_the_snippets_of_the_page_run(repository, demo_on_aws, aws_environment):
    snippets = re.findall(r"```python\n(.*?)```", (repository / "docs/aws.md").read_text(), re.DOTALL)
    assert len(snippets) == 2
    for snippet in snippets:
        exec(compile(snippet, "docs/aws.md", "exec", dont_inherit=True), {"lake": finks.open(ADDRESS), "date": date})


def test_the_demo_refuses_another_lake_in_the_same_directory(demo_on_aws, local_aws, finks_command):
    folder, _ = demo_on_aws
    done = finks_command("demo", "--lake", "s3://finks-demo/other", cwd=folder, **local_aws.environment)
    assert done.returncode == 2
    assert "another lake" in done.stderr
