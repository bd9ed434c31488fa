"""What there is: each dataset with its contract, how fresh and how complete it is, and whose it is."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from finks.lake.releases import Release

from finks_api.answers import keep_answer
from finks_api.backends.protocol import Backend
from finks_api.formats import instant_text
from finks_api.parameters import AsOf, DatasetName
from finks_api.problems import Problem
from finks_api.query import KNOWN_AT, Totals
from finks_api.reading import Reader, allow, grant_of
from finks_api.records import RECORDS, Record
from finks_api.routes.declare import STILL_RUNNING, problems
from finks_api.versions import snapshot_of

_ANSWER: dict[str, Any] = {"application/json": {"schema": {"$ref": "#/components/schemas/Dataset"}}}
_LIST: dict[str, Any] = {"application/json": {"schema": {"$ref": "#/components/schemas/Datasets"}}}

_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}
DATASET: dict[str, Any] = {
    "type": "object",
    "title": "Dataset",
    "properties": {
        "name": {**_TEXT, "description": "What the API calls it."},
        "description": {**_TEXT, "description": "What one record is."},
        "scope": {**_TEXT, "description": "What a key must be allowed to read."},
        "table": {**_TEXT, "description": "The table of the lake."},
        "release": {"type": "integer", "description": "The Gold release that was read."},
        "published_at": {"type": "string", "format": "date-time", "description": "When it was published."},
        "contract": {**_MAYBE, "description": "The contract of its records; null for a mart of Gold."},
        "contract_version": {**_MAYBE, "description": "The version of the contract."},
        "source": {**_MAYBE, "description": "The plugin that fetched it."},
        "licence": {**_MAYBE, "description": "The contract's licence tag."},
        "key": {"type": "array", "items": _TEXT, "description": "What makes a record unique."},
        "records": {"type": "integer", "description": "How many are known."},
        "first": {**_MAYBE, "description": "The earliest event time, ISO 8601."},
        "last": {**_MAYBE, "description": "The latest event time, ISO 8601."},
        "known_at": {**_MAYBE, "format": "date-time", "description": "When the newest version became known."},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": _TEXT, "type": _TEXT, "nullable": {"type": "boolean"}, "description": _TEXT,
                },
                "required": ["name", "type", "nullable", "description"],
            },
            "description": "The fields of a record in Arrow's types.",
        },
    },
}  # fmt: skip
DATASET["required"] = list(DATASET["properties"])
DATASETS: dict[str, Any] = {
    "type": "object",
    "title": "Datasets",
    "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Dataset"}}},
    "required": ["data"],
}


def router(reader: Reader, backend: Backend, tables: dict[str, str]) -> APIRouter:
    """The routes about datasets."""
    routes = APIRouter(prefix="/v1/datasets", tags=["Datasets"])

    def describe(record: Record, parameters: AsOf) -> dict[str, Any]:
        table = tables[record.dataset]
        release = reader.release(table, parameters.as_of)
        name = table.partition(".")[2]
        silver = table.startswith("silver.")
        own = _of_silver(backend, name, release, parameters) if silver else _of_gold(name, release)
        return {**_of_record(record, table, release), **own}

    @routes.get(
        "",
        operation_id="listDatasets",
        responses={
            200: {"description": "The datasets.", "content": _LIST},
            **STILL_RUNNING,
            **problems("nothing-published", "expired-version"),
        },
        response_class=Response,
    )
    def datasets(request: Request, parameters: Annotated[AsOf, Query()]) -> Response:
        """Every dataset that the key may read and that the lake has."""
        mine = grant_of(request).datasets
        wanted = [record for record in RECORDS if mine is None or record.scope in mine]
        found = [
            describe(record, parameters)
            for record in wanted
            if snapshot_of(tables[record.dataset], reader.release(tables[record.dataset], parameters.as_of))
        ]
        keep_answer(request.scope)
        return _json({"data": found})

    @routes.get(
        "/{dataset}",
        operation_id="getDataset",
        responses={
            200: {"description": "The dataset.", "content": _ANSWER},
            **STILL_RUNNING,
            **problems("nothing-published", "unknown-dataset", "forbidden-dataset", "expired-version"),
        },
        response_class=Response,
    )
    def dataset(request: Request, dataset: DatasetName, parameters: Annotated[AsOf, Query()]) -> Response:
        """One dataset: its contract, freshness, coverage and licence."""
        record = next((record for record in RECORDS if record.dataset == dataset), None)
        if record is None:
            raise Problem.fixed("unknown-dataset")
        allow(request, record.scope)
        if not snapshot_of(tables[dataset], reader.release(tables[dataset], parameters.as_of)):
            raise Problem.fixed("unknown-dataset")
        keep_answer(request.scope)
        return _json(describe(record, parameters))

    return routes


def _of_record(record: Record, table: str, release: Release) -> dict[str, Any]:
    return {
        "name": record.dataset,
        "description": record.description,
        "scope": record.scope,
        "table": table,
        "release": release.release_id,
        "published_at": instant_text(release.published_at),
        "key": list(record.key),
        "fields": [
            {"name": each.name, "type": str(each.type), "nullable": each.nullable, "description": each.description}
            for each in record.fields
        ],
    }


def _of_gold(mart: str, release: Release) -> dict[str, Any]:
    nothing = dict.fromkeys(("contract", "contract_version", "source", "licence", "first", "last"))
    return {**nothing, "records": release.marts[mart].rows, "known_at": instant_text(release.published_at)}


def _of_silver(backend: Backend, table: str, release: Release, parameters: AsOf) -> dict[str, Any]:
    facts = next((each for each in backend.datasets(release) if each.table == table), None)
    if facts is None:
        raise Problem("expired-version", f"Release {release.release_id} is no longer kept.")
    event = None if facts.event_time is None else (facts.event_time, facts.schema.field(facts.event_time).type)
    totals = Totals(f"silver.{facts.table}", facts.key, event, parameters.as_of)
    row = backend.rows(totals, release).to_pylist()[0]
    bounds = {name: None if row[name] is None else row[name].isoformat() for name in ("first", "last")}
    return {
        "contract": facts.contract,
        "contract_version": facts.version,
        "source": facts.source,
        "licence": facts.licence,
        "records": row["records"],
        **bounds,
        "known_at": None if row[KNOWN_AT] is None else instant_text(row[KNOWN_AT]),
    }


def _json(answer: dict[str, Any]) -> Response:
    return Response(orjson.dumps(answer), media_type="application/json", headers={"cache-control": "private, no-cache"})
