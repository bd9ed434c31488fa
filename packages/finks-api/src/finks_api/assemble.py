"""The app of a lake, as the settings say."""

from __future__ import annotations

from finks.lake import Lake
from finks.run.settings import Settings
from starlette.types import ASGIApp

from finks_api.app import create_app, utc_now
from finks_api.backends.protocol import Backend
from finks_api.keys.edit import add_key
from finks_api.keys.limiter import Limiter
from finks_api.keys.place import key_place
from finks_api.keys.store import DocumentKeys
from finks_api.settings import ApiSettings, api_settings


def assemble(settings: Settings, lake: Lake) -> ASGIApp:
    """The app that serves a lake and enforces the plans of its keys.

    Raises:
        ConfigurationError: A setting is wrong, or there are no keys.
    """
    api = api_settings(settings)
    keys = DocumentKeys(key_place(api.key_document), clock=utc_now)
    return create_app(_backend(settings, api, lake), keys, api, limiter=Limiter(clock=utc_now))


def _backend(settings: Settings, api: ApiSettings, lake: Lake) -> Backend:
    if api.engine == "athena":
        from finks_api.backends.athena import athena_backend  # needs boto3

        return athena_backend(settings, api)
    from finks_api.backends.duckdb import DuckDbBackend

    return DuckDbBackend(lake)


def first_key(settings: Settings) -> str | None:
    """Make a key where there is no document of keys yet, so that a first request can be tried; None otherwise."""
    place = key_place(api_settings(settings).key_document)
    return None if place.read() is not None else add_key(place, name="first", now=utc_now())[0]
