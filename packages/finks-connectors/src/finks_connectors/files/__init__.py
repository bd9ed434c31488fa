"""Files as a source: CSV, JSON lines and Parquet; first of all a portfolio's transactions.

The plugin is `Files`; its record types are in `finks_connectors.files.contracts`.
"""

from __future__ import annotations

from finks_connectors.files.source import Files, FilesConfig

__all__ = ["Files", "FilesConfig"]
