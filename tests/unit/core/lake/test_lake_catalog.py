from __future__ import annotations

import pytest
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.lake.catalog import find_table


def test_a_missing_lake_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        Lake.open(tmp_path / "none")
    assert "finks run" in str(caught.value)
    assert not (tmp_path / "none").exists()


def test_a_directory_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not a lake"):
        Lake.open(tmp_path, create=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_creation_that_was_interrupted_is_completed(tmp_path):
    lake = Lake.open(tmp_path / "lake", create=True)
    (lake.path / "lake.json").unlink()
    assert Lake.open(tmp_path / "lake", create=True).tables() == {
        "bronze": [],
        "silver": [],
        "quarantine": [],
        "gold": [],
    }


@pytest.mark.parametrize("marker", ['{"format": 99}', "{}", "not json"])
def test_a_marker_that_is_not_ours_is_refused(lake, marker):
    (lake.path / "lake.json").write_text(marker)
    with pytest.raises(ConfigurationError):
        Lake.open(lake.path)


def test_opening_again_finds_the_tables(lake, build):
    lake.silver("fmp_daily_bars", build.contract, "fmp")
    assert Lake.open(lake.path).tables()["silver"] == ["fmp_daily_bars"]


def test_old_metadata_files_do_not_pile_up(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    for number in range(30):
        bronze.append(build.responses(build.response(f"r{number}", number, body=b"x")), {})
    table = find_table(lake.catalog, bronze.identifier)
    folder = lake.path / "warehouse" / "bronze" / "fmp_daily_bars" / "metadata"
    assert table is not None
    assert len(list(folder.glob("*.metadata.json"))) <= 22
