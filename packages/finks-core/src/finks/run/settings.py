"""Settings: the environment (`FINKS_…`) wins over `.env` beside the file, and that over `finks.toml`.

A setting can be given as `FINKS_SOURCES__FMP__API_KEY=…`: two underscores go one level down. Of `.env`
only the names that begin with `FINKS_` count.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from finks.errors import ConfigurationError
from finks.notify.settings import AlertSettings
from finks.redact import hide_secrets
from finks.run.sections import (
    AthenaSettings,
    BackfillSettings,
    BackupSettings,
    EcsSettings,
    GoldSettings,
    LakeSettings,
    LineageSettings,
    ObserveSettings,
    RefineSettings,
    RunSettings,
    ScheduleSettings,
)

FILE_NAME = "finks.toml"


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says.

    Attributes:
        name: The place: a file, or the environment.
        values: The settings that it gives, nested as in the file.
        variables: Whether a setting has the name of a variable there, and not of a key.
    """

    name: str
    values: Mapping[str, Any]
    variables: bool = True

    def holds(self, path: Sequence[str]) -> bool:
        """Whether this place gives the setting, or something below it."""
        found: Any = self.values
        for part in path:
            if not isinstance(found, Mapping) or part not in found:
                return False
            found = found[part]
        return True

    def describe(self, path: Sequence[str]) -> str:
        """The setting as this place calls it."""
        return f"{self.name}, {variable(path)}" if self.variables else f"{self.name}, key {'.'.join(path)}"


def variable(path: Sequence[str]) -> str:
    """The environment variable of a setting."""
    return "FINKS_" + "__".join(path).upper()


class Settings(BaseSettings):
    """Everything that can be set. `load_settings` reads it; made in code, it takes what it is given."""

    model_config = SettingsConfigDict(
        env_prefix="FINKS_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    lake: LakeSettings = LakeSettings()
    run: RunSettings = RunSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    refine: RefineSettings = RefineSettings()
    backfill: BackfillSettings = BackfillSettings()
    gold: GoldSettings = GoldSettings()
    ecs: EcsSettings = EcsSettings()
    athena: AthenaSettings = AthenaSettings()
    alerts: AlertSettings = AlertSettings()
    lineage: LineageSettings = LineageSettings()
    observe: ObserveSettings = ObserveSettings()
    backup: BackupSettings = BackupSettings()
    sources: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="One table per source plugin, for example [sources.fmp]."
    )
    flows: dict[str, Any] = Field(default_factory=dict, description="What finks-flows is told; it checks it itself.")
    api: dict[str, Any] = Field(default_factory=dict, description="What finks-api is told; it checks it itself.")
    _layers: tuple[Layer, ...] = PrivateAttr(default=())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what is given: `load_settings` merges the places, so that an error can name the one at fault."""
        return (init_settings,)

    @classmethod
    def merge(cls, layers: tuple[Layer, ...]) -> Settings:
        """The settings of several places, the strongest first."""
        settings = cls(**_merged([layer.values for layer in reversed(layers)]))
        settings._layers = layers
        return settings

    def place(self, key: str) -> str:
        """Where a setting, for example `sources.fmp.symbols`, was read: for an error that has to name it."""
        return place(self._layers, key.split(".")) if self._layers else key


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings. What is secret in them is hidden everywhere from then on (`finks.redact.EVERYWHERE`).

    Args:
        path: The file, or the directory that holds `finks.toml`; the working directory when None.
            A missing default file means defaults; a missing file that was named is an error.

    Raises:
        ConfigurationError: Names the place, the key and what was expected; never shows a value, which may be a secret.
    """
    file = _settings_file(path)
    root = file.parent.resolve()
    # The environment wins over the files, so that a secret never has to be written down.
    layers = (
        _read_variables("the environment", EnvSettingsSource(Settings)),
        _read_dotenv(root / ".env"),
        Layer(str(file), _read_toml(file) if file.exists() else {}, variables=False),
    )
    try:
        settings = Settings.merge(layers)
    except ValidationError as error:
        raise _explain(error, layers) from None
    hide_secrets(settings.sources)
    hide_secrets(settings.alerts.notifiers)
    return _anchored(settings, root)


def place(layers: Sequence[Layer], path: Sequence[str]) -> str:
    """The setting as the strongest place that gives it calls it; the file when none does."""
    holder = next((layer for layer in layers if layer.holds(path)), layers[-1])
    return holder.describe(path)


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
    except OSError as error:
        raise ConfigurationError(
            "The settings file cannot be read.", where=str(file), got=error.strerror or str(error)
        ) from None


def _read_dotenv(file: Path) -> Layer:
    try:
        source = DotEnvSettingsSource(Settings, env_file=file, dotenv_filtering="match_prefix")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "The .env file cannot be read.", where=str(file), expected="UTF-8 text", got=type(error).__name__
        ) from None
    return _read_variables(str(file), source)


def _read_variables(name: str, source: EnvSettingsSource) -> Layer:
    try:
        return Layer(name, source())
    except SettingsError as error:
        # The text is: error parsing value for field "lake" from source "…". It holds no value.
        section = str(error).split('"')[1]
    raise ConfigurationError(
        "A variable that stands for a whole section is not valid JSON.",
        where=f"{name}, {variable([section])}",
        expected=f"a JSON object, or one variable per setting: {variable([section])}__…",
        hint="Correct or unset the variable.",
    )


def _merged(weakest_first: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One nesting of several; where two give the same setting, the later one counts."""
    merged: dict[str, Any] = {}
    for values in weakest_first:
        for key, value in values.items():
            before = merged.get(key)
            if isinstance(before, Mapping) and isinstance(value, Mapping):
                merged[key] = _merged([before, value])
            else:
                merged[key] = value
    return merged


def _explain(error: ValidationError, layers: Sequence[Layer]) -> ConfigurationError:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    sections = ", ".join(sorted(Settings.model_fields))
    wanted = first["msg"].removeprefix("Value error, ")
    unknown = first["type"] == "extra_forbidden"
    return ConfigurationError(
        "A setting is not known." if unknown else "A setting is wrong.",
        where=place(layers, path),
        expected=f"one of the documented settings (sections: {sections})" if unknown else wanted,
        hint="docs/settings.md lists the settings."
        if unknown
        else f"{variable(path)} in the environment wins over it.",
    )


def _anchored(settings: Settings, root: Path) -> Settings:
    path = settings.lake.path
    lake = settings.lake.model_copy(update={"path": root / path if isinstance(path, Path) else path})
    project = settings.gold.project
    gold = settings.gold.model_copy(update={"project": root / project if project else None})
    sources = {name: {"root": root, **values} for name, values in settings.sources.items()}
    traces = settings.observe.traces
    observe = settings.observe.model_copy(update={"traces": root / traces if isinstance(traces, Path) else traces})
    target = settings.backup.target
    backup = settings.backup.model_copy(update={"target": root / target if isinstance(target, Path) else target})
    api = {"root": root, **settings.api}
    sections = {"lake": lake, "gold": gold, "observe": observe, "backup": backup, "sources": sources, "api": api}
    return settings.model_copy(update=sections)
