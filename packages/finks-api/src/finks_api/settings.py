"""`[api]` in finks.toml: which tables are served, to whom, and how far a request may go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from finks.errors import ConfigurationError
from finks.run.sections import S3Address, Section
from finks.run.settings import Settings, variable
from pydantic import Field, SecretStr, StringConstraints, ValidationError

SECTION: Final = "api"

Table = Annotated[str, StringConstraints(pattern=r"^(gold|silver)\.[a-z0-9_]+$")]


class TableSettings(Section):
    """The table of each dataset. Another vendor's table does as well, if it has the columns of the record."""

    portfolios: Table = Field(default="silver.files_portfolios", description="Portfolios.")
    transactions: Table = Field(default="silver.files_transactions", description="Transactions.")
    summaries: Table = Field(default="gold.daily_portfolio_summary", description="Daily summaries.")
    positions: Table = Field(default="gold.fct_position_daily", description="Positions.")
    securities: Table = Field(default="gold.dim_security", description="Securities.")
    bars: Table = Field(default="silver.fmp_daily_bars", description="Daily bars, as traded.")
    dividends: Table = Field(default="silver.fmp_dividends", description="Dividends.")
    splits: Table = Field(default="silver.fmp_splits", description="Splits.")
    fundamentals: Table = Field(default="silver.fmp_income_statements", description="Income statements of years.")
    quarterly_fundamentals: Table = Field(
        default="silver.fmp_quarterly_income_statements", description="Income statements of quarters."
    )


class ApiSettings(Section):
    """The Data API."""

    engine: Literal["duckdb", "athena"] = Field(
        default="duckdb", description="What runs the queries: DuckDB in the server's process, or Athena."
    )
    keys: S3Address | Path = Field(
        default=Path("api-keys.json"),
        description="The document of keys, relative to the settings file; or s3://bucket/key.",
    )
    root: Path = Field(default=Path(), description="Where relative paths start; the settings file's directory.")
    secret: SecretStr | None = Field(
        default=None,
        description="Signs page tokens, at least 32 characters; needed where several processes answer. "
        "When absent each start makes its own, and tokens end with it.",
    )
    refresh: float = Field(
        default=2.0, ge=0, description="Seconds for which the served release is not looked up again."
    )
    cache_bytes: int = Field(default=64 * 2**20, ge=0, description="Memory for finished answers, in bytes.")
    base_path: str = Field(
        default="/", pattern="^/", description="In Lambda, the base path under which a custom domain has the API."
    )
    wait: float = Field(default=20, gt=0, description="Seconds after which a running query is answered by 202.")
    workgroup: str | None = Field(
        default=None, min_length=1, description="The Athena workgroup of the API; that of [athena] when absent."
    )
    max_bytes: int = Field(default=10 * 2**30, ge=1, description="The most bytes that one query may scan on Athena.")
    executions_table: str | None = Field(
        default=None,
        min_length=1,
        description="The DynamoDB table in which several processes share their Athena queries.",
    )
    tables: TableSettings = TableSettings()

    @property
    def key_document(self) -> str | Path:
        """Where the document of keys is."""
        return self.root / self.keys if isinstance(self.keys, Path) else self.keys


def api_settings(settings: Settings) -> ApiSettings:
    """The section, checked.

    Raises:
        ConfigurationError: Names the setting and what was expected; never shows a value.
    """
    try:
        found = ApiSettings.model_validate(settings.api)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    else:
        return found
    path = [SECTION, *(str(part) for part in first["loc"])]
    raise ConfigurationError(
        "A setting of the API is wrong.",
        where=settings.place(".".join(path)),
        expected=first["msg"],
        hint=f"Set it in finks.toml under [{SECTION}], or as {variable(path)}.",
    )
