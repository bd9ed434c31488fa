"""What the settings choose to build Gold with."""

from __future__ import annotations

import pytest
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.run.gold.engines import gold_engine
from finks.run.sections import GoldSettings
from finks.run.settings import Settings
from pydantic import ValidationError


def test_athena_is_refused_for_a_lake_on_local_disk(tmp_path):
    lake = Lake.open(tmp_path / "lake", create=True)
    with pytest.raises(ConfigurationError, match="only a lake on S3") as caught:
        gold_engine(lake, Settings(gold=GoldSettings(engine="athena")))
    assert caught.value.where == "gold.engine"


def test_duckdb_builds_into_the_scratch_directory(tmp_path):
    lake = Lake.open(tmp_path / "lake", create=True)
    variables = gold_engine(lake, Settings()).environment(tmp_path / "scratch")
    assert variables["FINKS_LAKE"] == str(tmp_path / "lake")
    assert variables["FINKS_GOLD_DATABASE"] == str(tmp_path / "scratch" / "gold.duckdb")


def test_another_engine_is_no_setting():
    with pytest.raises(ValidationError, match="'duckdb' or 'athena'"):
        GoldSettings.model_validate({"engine": "spark"})
