"""Portfolios: what they are worth, what they hold, what was booked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from finks.lake.releases import Release

from finks_api.parameters import DataParameters, DayParameters, PortfolioId, RangeParameters
from finks_api.problems import Problem
from finks_api.query import Filter, between
from finks_api.reading import Reader, allow, allow_portfolio, grant_of
from finks_api.records import PORTFOLIO, POSITION, SUMMARY, TRANSACTION, Record
from finks_api.routes.declare import records


def router(reader: Reader) -> APIRouter:
    """The routes about portfolios."""
    routes = APIRouter(prefix="/v1/portfolios", tags=["Portfolios"])

    def of_one(
        request: Request, portfolio_id: str, record: Record, parameters: DataParameters, filters: tuple[Filter, ...]
    ) -> Response:
        allow(request, record.scope)
        allow_portfolio(request, portfolio_id)

        def missing(release: Release) -> Problem | None:
            if reader.exists(PORTFOLIO, "portfolio_id", portfolio_id, release):
                return None
            return Problem.fixed("unknown-portfolio")

        own = Filter("portfolio_id", "=", portfolio_id)
        return reader.answer(request, record, parameters, (own, *filters), missing=missing)

    @routes.get("", operation_id="listPortfolios", responses=records(PORTFOLIO), response_class=Response)
    def portfolios(request: Request, parameters: Annotated[DataParameters, Query()]) -> Response:
        """The portfolios that the key may read."""
        allow(request, PORTFOLIO.scope)
        mine = grant_of(request).portfolios
        filters = () if mine is None else (Filter("portfolio_id", "in", tuple(sorted(mine))),)
        return reader.answer(request, PORTFOLIO, parameters, filters)

    @routes.get(
        "/{portfolio_id}/summary",
        operation_id="listDailySummaries",
        responses=records(SUMMARY, "forbidden-portfolio", "unknown-portfolio"),
        response_class=Response,
    )
    def summary(
        request: Request, portfolio_id: PortfolioId, parameters: Annotated[RangeParameters, Query()]
    ) -> Response:
        """What a portfolio was worth on each date, and why it changed."""
        return of_one(request, portfolio_id, SUMMARY, parameters, between("date", parameters.start, parameters.end))

    @routes.get(
        "/{portfolio_id}/positions",
        operation_id="listPositions",
        responses=records(POSITION, "forbidden-portfolio", "unknown-portfolio"),
        response_class=Response,
    )
    def positions(
        request: Request, portfolio_id: PortfolioId, parameters: Annotated[DayParameters, Query()]
    ) -> Response:
        """What a portfolio held at the end of a date."""
        return of_one(request, portfolio_id, POSITION, parameters, (Filter("date", "=", parameters.date),))

    @routes.get(
        "/{portfolio_id}/transactions",
        operation_id="listTransactions",
        responses=records(TRANSACTION, "forbidden-portfolio", "unknown-portfolio"),
        response_class=Response,
    )
    def transactions(
        request: Request, portfolio_id: PortfolioId, parameters: Annotated[RangeParameters, Query()]
    ) -> Response:
        """What was booked in a portfolio, in the order of the bookings' numbers."""
        filters = between("trade_date", parameters.start, parameters.end)
        return of_one(request, portfolio_id, TRANSACTION, parameters, filters)

    return routes
