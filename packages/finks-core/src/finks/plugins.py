"""Finding plugins by name, through entry points. Nothing is imported until it is asked for.

A package offers its classes in its `pyproject.toml`:

    [project.entry-points."finks.sources"]
    acme = "finks_acme:Acme"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from finks.errors import ConfigurationError, FinksError, MissingExtraError, UnknownPluginError
from finks.source.protocol import BaseSource

Kind = Literal["source", "sink", "transform", "notifier"]

GROUPS: Mapping[Kind, str] = {
    "source": "finks.sources",
    "sink": "finks.sinks",
    "transform": "finks.transforms",
    "notifier": "finks.notifiers",
}

OFFICIAL: Mapping[tuple[Kind, str], str] = {
    ("source", "fmp"): "finks-connectors",
    ("source", "files"): "finks-connectors",
}
"""Plugins of this project, with the package that brings them."""


@dataclass(frozen=True, slots=True, order=True)
class Plugin:
    """One installed plugin, not yet imported.

    Attributes:
        kind: `source`, `sink`, `transform` or `notifier`.
        name: What the settings call it.
        package: The distribution that offers it.
        version: The distribution's version.
        target: Where its class is, as `module:name`.
    """

    kind: Kind
    name: str
    package: str
    version: str
    target: str


def list_plugins() -> list[Plugin]:
    """Every installed plugin, by kind and name. Imports none of them."""
    return sorted(_plugin(kind, entry) for kind in GROUPS for entry in _entries(kind).values())


def load_plugin(kind: Kind, name: str) -> type[Any]:
    """Import the class of a plugin.

    Raises:
        MissingExtraError: The plugin is one of the project's, but its package is not installed.
        UnknownPluginError: No plugin has this name.
        ConfigurationError: The plugin is installed and cannot be imported.
    """
    return _load(kind, name)


def build_source(name: str, settings: Mapping[str, Any], place: Callable[[str], str] = str) -> BaseSource:
    """Make the source `name` with its settings checked.

    Args:
        name: The plugin's name, as in `[sources.<name>]`.
        settings: The keys of that section.
        place: Says where a setting, `sources.<name>.<key>`, was read.

    Raises:
        ConfigurationError: Names the setting and what was expected; never shows a value, which may be a secret.
    """
    return build("source", BaseSource, f"sources.{name}", settings, place)


Made = TypeVar("Made")


def build(
    kind: Kind, base: type[Made], section: str, settings: Mapping[str, Any], place: Callable[[str], str] = str
) -> Made:
    """Make the plugin that a section of the settings is named for, with its settings checked.

    Args:
        kind: What it has to be.
        base: The class that it has to extend; its `Config` is a pydantic model of the section.
        section: The section, for example `sources.fmp`; its last part is the plugin's name.
        settings: The keys of the section.
        place: Says where a setting was read.

    Raises:
        ConfigurationError: Names the setting and what was expected; never shows a value, which may be a secret.
    """
    name = section.rpartition(".")[2]
    try:
        made = load_plugin(kind, name)
    except UnknownPluginError as error:
        error.where = place(section)
        raise
    _check(kind, name, made, base)
    return made(_validated(made.Config, section, settings, place))


def _check(kind: Kind, name: str, made: type, base: type) -> None:
    if not issubclass(made, base):
        raise ConfigurationError(
            f"The plugin is not a {kind}.",
            where=f"entry point {GROUPS[kind]}: {name}",
            expected=f"a subclass of {base.__module__}.{base.__qualname__}",
            got=f"{made.__module__}.{made.__qualname__}",
        )


def _validated(
    config: type[BaseModel], section: str, settings: Mapping[str, Any], place: Callable[[str], str]
) -> BaseModel:
    try:
        return config.model_validate(dict(settings))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
    first = problems[0]
    key = ".".join(str(part) for part in (section, *first["loc"]))
    unknown = first["type"] == "extra_forbidden"
    others = f" ({len(problems) - 1} more settings are wrong)" if len(problems) > 1 else ""
    raise ConfigurationError(
        f"A setting of [{section}] is {'not known' if unknown else 'wrong'}{others}.",
        where=place(key),
        expected=f"one of {', '.join(sorted(config.model_fields))}" if unknown else first["msg"],
        hint=f"Set it in finks.toml under [{section}], or as FINKS_{key.upper().replace('.', '__')}.",
    )


@cache
def _load(kind: Kind, name: str) -> type[Any]:
    entry = _entries(kind).get(name)
    if entry is None:
        raise _absent(kind, name)
    try:
        loaded = entry.load()
    except FinksError:
        raise
    except Exception as error:
        plugin = _plugin(kind, entry)
        raise ConfigurationError(
            f"The {kind} plugin {name!r} is installed but cannot be imported.",
            where=f"package {plugin.package} {plugin.version}, {entry.value}",
            got=f"{type(error).__name__}: {error}",
            hint=f"Install {plugin.package} again, or a version that fits this finks.",
        ) from error
    if not isinstance(loaded, type):
        raise ConfigurationError(
            f"The {kind} plugin {name!r} is not a class.", where=entry.value, got=type(loaded).__name__
        )
    return loaded


def _absent(kind: Kind, name: str) -> ConfigurationError:
    package = OFFICIAL.get((kind, name))
    if package is not None:
        return MissingExtraError(
            f"The {kind} plugin {name!r} is not installed.", where=f"package {package}", hint=f"pip install {package}"
        )
    known = sorted(_entries(kind))
    nearest = get_close_matches(name, known, n=1)
    return UnknownPluginError(
        f"No {kind} plugin is called {name!r}.",
        expected=f"one of {', '.join(known)}" if known else "none is installed",
        hint=f"Did you mean {nearest[0]!r}?" if nearest else f"Install the package that offers it ({GROUPS[kind]}).",
    )


@cache
def _entries(kind: Kind) -> Mapping[str, EntryPoint]:
    """The entry points of a kind by name; of one name that two packages offer, an error names both."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUPS[kind]):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            packages = sorted(_plugin(kind, each).package for each in (other, entry))
            raise ConfigurationError(
                f"Two packages offer a {kind} plugin called {entry.name!r}.",
                got=" and ".join(packages),
                hint="Uninstall one of them.",
            )
    return found


def _plugin(kind: Kind, entry: EntryPoint) -> Plugin:
    package = entry.dist.name if entry.dist is not None else "unknown"
    version = entry.dist.version if entry.dist is not None else "0"
    return Plugin(kind, entry.name, package, version, entry.value)


__all__ = ["GROUPS", "Plugin", "build", "build_source", "list_plugins", "load_plugin"]
