"""Securities: what they are, their bars, dividends, splits and fundamentals."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from finks.lake.releases import Release

from finks_api.parameters import DataParameters, RangeParameters, StatementParameters, Symbol
from finks_api.problems import Problem
from finks_api.query import Filter, between
from finks_api.reading import Reader, allow
from finks_api.records import BAR, DIVIDEND, INCOME_STATEMENT, QUARTERLY_STATEMENT, SECURITY, SPLIT, Record
from finks_api.routes.declare import records


def router(reader: Reader) -> APIRouter:
    """The routes about securities."""
    routes = APIRouter(prefix="/v1/securities", tags=["Securities"])

    def of_one(
        request: Request, symbol: str, record: Record, parameters: DataParameters, filters: tuple[Filter, ...] = ()
    ) -> Response:
        allow(request, record.scope)

        def missing(release: Release) -> Problem | None:
            if record is not SECURITY and reader.exists(SECURITY, "symbol", symbol, release):
                return None
            return Problem.fixed("unknown-security")

        return reader.answer(request, record, parameters, (Filter("symbol", "=", symbol), *filters), missing=missing)

    @routes.get("", operation_id="listSecurities", responses=records(SECURITY), response_class=Response)
    def securities(request: Request, parameters: Annotated[DataParameters, Query()]) -> Response:
        """Every security."""
        allow(request, SECURITY.scope)
        return reader.answer(request, SECURITY, parameters)

    @routes.get(
        "/{symbol}",
        operation_id="getSecurity",
        responses=records(SECURITY, "unknown-security"),
        response_class=Response,
    )
    def security(request: Request, symbol: Symbol, parameters: Annotated[DataParameters, Query()]) -> Response:
        """One security: a page with one record."""
        return of_one(request, symbol, SECURITY, parameters)

    def dated(record: Record, column: str, name: str, operation: str, text: str) -> None:
        @routes.get(
            f"/{{symbol}}/{name}",
            operation_id=operation,
            name=name,
            description=text,
            responses=records(record, "unknown-security"),
            response_class=Response,
        )
        def _(request: Request, symbol: Symbol, parameters: Annotated[RangeParameters, Query()]) -> Response:
            filters = between(column, parameters.start, parameters.end)
            return of_one(request, symbol, record, parameters, filters)

    dated(BAR, "session", "bars", "listDailyBars", "Daily bars of a security, as traded.")
    dated(DIVIDEND, "ex_date", "dividends", "listDividends", "Cash dividends of a security, by ex-date.")
    dated(SPLIT, "ex_date", "splits", "listSplits", "Splits of a security, by ex-date.")

    @routes.get(
        "/{symbol}/fundamentals",
        operation_id="listFundamentals",
        responses=records(INCOME_STATEMENT, "unknown-security"),
        response_class=Response,
    )
    def fundamentals(request: Request, symbol: Symbol, parameters: Annotated[StatementParameters, Query()]) -> Response:
        """Income statements of a security's issuer, by the last day of their periods."""
        record = INCOME_STATEMENT if parameters.period == "annual" else QUARTERLY_STATEMENT
        filters = between("period_end", parameters.start, parameters.end)
        return of_one(request, symbol, record, parameters, filters)

    return routes
