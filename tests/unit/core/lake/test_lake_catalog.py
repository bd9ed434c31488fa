from __future__ import annotations

import json
import shutil
from pathlib import Path

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
    (Path(lake.place.address) / "lake.json").unlink()
    assert Lake.open(tmp_path / "lake", create=True).tables() == {
        "bronze": [],
        "silver": [],
        "quarantine": [],
        "gold": [],
    }


@pytest.mark.parametrize("marker", ['{"format": 99}', "{}", "not json"])
def test_a_marker_that_is_not_ours_is_refused(lake, marker):
    (Path(lake.place.address) / "lake.json").write_text(marker)
    with pytest.raises(ConfigurationError):
        Lake.open(Path(lake.place.address))


def test_opening_again_finds_the_tables(lake, build):
    lake.silver("fmp_daily_bars", build.contract, "fmp")
    assert Lake.open(Path(lake.place.address)).tables()["silver"] == ["fmp_daily_bars"]


def test_old_metadata_files_do_not_pile_up(lake, build):
    bronze = lake.bronze("fmp_daily_bars")
    for number in range(30):
        bronze.append(build.responses(build.response(f"r{number}", number, body=b"x")), {})
    table = find_table(lake.catalog, bronze.identifier)
    folder = Path(lake.place.address) / "warehouse" / "bronze" / "fmp_daily_bars" / "metadata"
    assert table is not None
    assert len(list(folder.glob("*.metadata.json"))) <= 22


def test_a_copied_lake_is_refused_and_names_the_original(lake, tmp_path):
    shutil.copytree(Path(lake.place.address), tmp_path / "copy")
    with pytest.raises(ConfigurationError, match="Open the original") as error:
        Lake.open(tmp_path / "copy", create=True)
    assert error.value.expected == str(Path(lake.place.address))


def test_a_moved_lake_is_refused_until_its_old_place_leads_to_it(lake, build, tmp_path):
    lake.silver("fmp_daily_bars", build.contract, "fmp")
    old, new = Path(lake.place.address), tmp_path / "moved"
    old.rename(new)
    with pytest.raises(ConfigurationError, match="Move it back, or make a symbolic link"):
        Lake.open(new)
    old.symlink_to(new)
    assert Lake.open(new).latest("fmp_daily_bars").arrow().num_rows == 0


def test_a_marker_without_a_location_is_refused(lake):
    (Path(lake.place.address) / "lake.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(ConfigurationError, match="location"):
        Lake.open(Path(lake.place.address))


def test_a_lake_opens_through_a_symbolic_link(lake, tmp_path):
    (tmp_path / "link").symlink_to(Path(lake.place.address))
    assert Lake.open(tmp_path / "link").served_release() is None


@pytest.mark.parametrize("part", ["catalog.db", "warehouse"])
def test_a_lake_without_one_of_its_parts_is_refused_and_not_made_anew(lake, part):
    target = Path(lake.place.address) / part
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    with pytest.raises(ConfigurationError, match="missing") as error:
        Lake.open(Path(lake.place.address), create=True)
    assert error.value.where == str(target)
    assert not target.exists()


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("marker", [True, False])
def test_a_damaged_catalog_is_refused(lake, create, marker):
    for log in Path(lake.place.address).glob("catalog.db-*"):
        log.unlink()
    (Path(lake.place.address) / "catalog.db").write_bytes(b"not a database, and longer than a header of one" * 50)
    if not marker:
        (Path(lake.place.address) / "lake.json").unlink()
    with pytest.raises(ConfigurationError, match="cannot be read" if marker or create else "no lake"):
        Lake.open(Path(lake.place.address), create=create)


def test_a_file_is_not_a_lake(tmp_path):
    (tmp_path / "afile").write_text("mine")
    for path in (tmp_path / "afile", tmp_path / "afile" / "below"):
        with pytest.raises(ConfigurationError):
            Lake.open(path, create=True)
        with pytest.raises(ConfigurationError):
            Lake.open(path)
    with pytest.raises(ConfigurationError, match="a file"):
        Lake.look(tmp_path / "afile")


def test_looking_where_there_is_no_lake_sees_an_empty_one_and_makes_nothing(tmp_path):
    lake = Lake.look(tmp_path / "none")
    assert lake.bronze("fmp_daily_bars").ledger().num_rows == 0
    assert not lake.has_silver("fmp_daily_bars")
    assert list(tmp_path.iterdir()) == []


def test_looking_at_a_lake_sees_its_tables(lake, build):
    lake.silver("fmp_daily_bars", build.contract, "fmp")
    assert Lake.look(Path(lake.place.address)).has_silver("fmp_daily_bars")
