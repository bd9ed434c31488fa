from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.lake.place import place_of


@pytest.mark.parametrize(
    "address", ["s3:/bucket", "S3://bucket", "gs://bucket/x", "https://x", "s3://Bucket/x", "s3://b"]
)
def test_an_address_that_cannot_hold_a_lake_is_refused(address):
    with pytest.raises(ConfigurationError, match="cannot hold a lake"):
        place_of(address)


def test_a_directory_is_a_place(tmp_path):
    assert place_of(tmp_path / "lake").address == str(tmp_path / "lake")
    assert place_of("data/lake").address == str(Path("data/lake"))


def test_without_the_extra_an_address_in_s3_says_what_to_install():
    code = "import sys; sys.modules['boto3'] = None; import finks; finks.open('s3://bucket/lake')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtraError" in done.stderr
    assert "finks-core[aws]" in done.stderr


def test_an_error_of_the_aws_configuration_is_told_once(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(ConfigurationError, match="No AWS region") as caught:
        Lake.open("s3://bucket/lake")
    assert caught.value.__context__ is None


def test_a_prefix_in_s3_is_a_place_with_or_without_a_slash_at_its_end(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert place_of("s3://bucket/a/lake/").address == "s3://bucket/a/lake"


def test_what_a_lake_keeps_is_read_and_listed_by_its_name(tmp_path):
    place = place_of(tmp_path / "lake")
    assert (place.kept("runs/b.json"), place.kept_names("runs/")) == (None, [])
    for name in ("runs/b.json", "runs/a.json", "other/c.json", "runs/2024/d.json"):
        place.keep(name, f"I am {name}")
    assert place.kept("runs/b.json") == "I am runs/b.json"
    assert place.kept_names("runs/") == ["runs/2024/d.json", "runs/a.json", "runs/b.json"]
    assert place.kept_names("runs/a") == ["runs/a.json"]


def test_a_draft_of_a_kept_file_is_not_listed(tmp_path):
    place = place_of(tmp_path / "lake")
    place.keep("runs/a.json", "{}")
    (tmp_path / "lake/runs/b.json.new").write_text("{")
    assert place.kept_names("runs/") == ["runs/a.json"]
