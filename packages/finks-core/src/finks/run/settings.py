"""Settings: `finks.toml`, then the environment (`FINKS_…`), then `.env` beside the file.

A setting can be given as `FINKS_SOURCES__FMP__API_KEY=…`: two underscores go one level down.
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from finks.errors import ConfigurationError

FILE_NAME = "finks.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LakeSettings(_Section):
    """Where the data lives."""

    path: Path = Field(default=Path("lake"), description="The lake's directory; relative to the settings file.")


class RunSettings(_Section):
    """How a run behaves."""

    logical_date: date | None = Field(
        default=None, description="The date that the run is for; today (UTC) when absent."
    )
    concurrency: int = Field(default=8, ge=1, le=256, description="Calls under way at once, per source.")
    batch_bytes: int = Field(
        default=64 * 2**20, ge=1, description="Bytes of response bodies gathered before a Bronze commit."
    )
    batch_slices: int = Field(default=500, ge=1, description="Slices gathered before a Bronze commit.")
    max_rejected: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of a stream's records that may be rejected before Gold is held back.",
    )


class GoldSettings(_Section):
    """How Silver becomes Gold."""

    project: Path | None = Field(default=None, description="The dbt project; the one that finks ships when absent.")
    enabled: bool = Field(default=True, description="Whether a run builds and publishes Gold.")
    timeout: float = Field(default=1800, gt=0, description="Seconds after which a dbt build is ended.")


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="FINKS_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    lake: LakeSettings = LakeSettings()
    run: RunSettings = RunSettings()
    gold: GoldSettings = GoldSettings()
    sources: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="One table per source plugin, for example [sources.fmp]."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, so that a secret never has to be written down."""
        return env_settings, dotenv_settings, init_settings


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        path: The file, or the directory that holds `finks.toml`; the working directory when None.
            A missing default file means defaults; a missing file that was named is an error.

    Raises:
        ConfigurationError: Names the file, the key, what was expected and what came.
    """
    file = _settings_file(path)
    values = _read_toml(file) if file.exists() else {}
    root = file.parent.resolve()
    try:
        settings = Settings(_env_file=root / ".env", **values)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        raise _explain(error, file) from None
    return _anchored(settings, root)


def _settings_file(path: Path | None) -> Path:
    if path is None:
        return Path(FILE_NAME)
    file = path / FILE_NAME if path.is_dir() else path
    if not file.exists():
        raise ConfigurationError(
            "The settings file does not exist.",
            where=str(file),
            hint="Write one (see docs/settings.md), or run in the directory that holds it.",
        )
    return file


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError("The settings file is not valid TOML.", where=str(file), got=str(error)) from None


def _explain(error: ValidationError, file: Path) -> ConfigurationError:
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    sections = ", ".join(sorted(Settings.model_fields))
    unknown = first["type"] == "extra_forbidden"
    return ConfigurationError(
        "A setting is not known." if unknown else "A setting is wrong.",
        where=f"{file}, key {key}",
        expected=f"one of the documented settings (sections: {sections})" if unknown else first["msg"],
        hint=f"The environment variable FINKS_{key.upper().replace('.', '__')} sets the same key.",
    )


def _anchored(settings: Settings, root: Path) -> Settings:
    lake = settings.lake.model_copy(update={"path": root / settings.lake.path})
    project = settings.gold.project
    gold = settings.gold.model_copy(update={"project": root / project if project else None})
    sources = {name: {"root": root, **values} for name, values in settings.sources.items()}
    return settings.model_copy(update={"lake": lake, "gold": gold, "sources": sources})
