"""The app is assembled as the settings say."""

from __future__ import annotations

import pytest
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.run.settings import load_settings
from finks_api.assemble import assemble, first_key


def settings_of(folder, text=""):
    (folder / "finks.toml").write_text(f'[lake]\npath = "lake"\n{text}')
    return load_settings(folder)


def test_athena_needs_a_lake_on_s3(tmp_path):
    settings = settings_of(tmp_path, '[api]\nengine = "athena"\n')
    lake = Lake.open(tmp_path / "lake", create=True)
    first_key(settings)
    with pytest.raises(ConfigurationError, match="on S3"):
        assemble(settings, lake)


def test_the_first_key_is_made_once(tmp_path):
    settings = settings_of(tmp_path)
    assert first_key(settings) is not None
    assert first_key(settings) is None


def test_an_app_without_keys_does_not_start(tmp_path):
    with pytest.raises(ConfigurationError, match="no keys"):
        assemble(settings_of(tmp_path), Lake.open(tmp_path / "lake", create=True))
