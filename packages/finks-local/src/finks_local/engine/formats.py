"""Hive's storage formats: the classes by which Glue rows name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from finks_local.sql.errors import QueryError

_TEXT_INPUT: Final = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT: Final = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

LAZY: Final = "lazy"
OPEN_CSV: Final = "opencsv"
JSON: Final = "json"
PARQUET: Final = "parquet"
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Format:
    """The three classes of a format."""

    input: str
    output: str
    serde: str


FORMATS: Final[Mapping[str, Format]] = {
    "PARQUET": Format(
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "TEXTFILE": Format(_TEXT_INPUT, _TEXT_OUTPUT, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"),
    "JSON": Format(_TEXT_INPUT, _TEXT_OUTPUT, "org.apache.hive.hcatalog.data.JsonSerDe"),
    "ORC": Format(
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    ),
    "AVRO": Format(
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
}

_KINDS: Final = {
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe": PARQUET,
    "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe": LAZY,
    "org.apache.hadoop.hive.serde2.OpenCSVSerde": OPEN_CSV,
    "org.apache.hive.hcatalog.data.JsonSerDe": JSON,
    "org.openx.data.jsonserde.JsonSerDe": JSON,
}


def kind(descriptor: Mapping[str, Any]) -> str:
    """How the files of a storage descriptor are read: one of this module's kinds."""
    return _KINDS.get((descriptor.get("SerdeInfo") or {}).get("SerializationLibrary") or "", OTHER)


def format_named(name: str) -> Format:
    """The classes of a format by its name in STORED AS or WITH (format = ...).

    Raises:
        QueryError: NOT_SUPPORTED.
    """
    found = FORMATS.get(name.upper())
    if found is None:
        raise QueryError("NOT_SUPPORTED", f"Storage format {name} is not supported; known: {', '.join(FORMATS)}")
    return found


def descriptor(
    columns: list[dict[str, str]], location: str, classes: Format, properties: Mapping[str, str]
) -> dict[str, Any]:
    """A storage descriptor as Athena writes it."""
    return {
        "Columns": columns,
        "Location": location,
        "InputFormat": classes.input,
        "OutputFormat": classes.output,
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SerdeInfo": {
            "SerializationLibrary": classes.serde,
            "Parameters": {"serialization.format": "1", **properties},
        },
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": {},
        "SkewedInfo": {"SkewedColumnNames": [], "SkewedColumnValues": [], "SkewedColumnValueLocationMaps": {}},
        "StoredAsSubDirectories": False,
    }
