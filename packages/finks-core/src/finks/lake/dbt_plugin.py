"""A dbt-duckdb plugin: the lake's Silver tables, all versions, as views in the schema `silver`.

In the dbt profile::

    plugins:
      - module: finks.lake.dbt_plugin
        config: {lake: "path/to/lake"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.plugins import BasePlugin

from finks.errors import ConfigurationError
from finks.lake.duck import register
from finks.lake.place import place_of

if TYPE_CHECKING:
    import duckdb


class Plugin(BasePlugin):
    """Shows Silver (or the zones in `zones`) to dbt. The lake is read, never written."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Open the lake.

        Args:
            plugin_config: `lake` (its address) and, optionally, `zones` (a list; only `silver` by default).

        Raises:
            ConfigurationError: `lake` is missing, or there is no lake.
        """
        if not plugin_config.get("lake"):
            raise ConfigurationError(
                "The dbt plugin needs the lake's address.",
                where="profiles.yml: plugins: config",
                expected="lake: <directory>, or lake: s3://bucket/prefix",
                hint="`finks run` sets it through FINKS_LAKE.",
            )
        self._place = place_of(plugin_config["lake"])
        self._catalog = self._place.open()
        self._zones: list[str] = list(plugin_config.get("zones") or ["silver"])

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Make the views."""
        conn.execute("set timezone = 'UTC'")
        self._place.attach(conn)
        for zone in self._zones:
            register(conn, self._catalog, zone, self._place)
