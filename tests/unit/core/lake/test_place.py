from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from finks.errors import ConfigurationError
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


def test_a_prefix_in_s3_is_a_place_with_or_without_a_slash_at_its_end(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert place_of("s3://bucket/a/lake/").address == "s3://bucket/a/lake"
