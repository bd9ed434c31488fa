"""String functions (functions/string)."""

from __future__ import annotations

from functools import reduce

from finks_local.sql.coercion import coerce
from finks_local.sql.errors import QueryError
from finks_local.sql.functions.registry import Call, Family
from finks_local.sql.operators import concat
from finks_local.sql.types import VARCHAR
from finks_local.sql.value import Value, unsupported
from finks_local.sql.valuetext import text_of

strings = Family()
strings.declare(
    {
        "chr(bigint) -> varchar": "trino_chr($1)",
        "codepoint(varchar) -> integer": "trino_codepoint($1)",
        "hamming_distance(varchar, varchar) -> bigint": "trino_hamming_distance($1, $2)",
        "length(varchar) -> bigint": "length($1)",
        "char_length(varchar) -> bigint": "length($1)",
        "character_length(varchar) -> bigint": "length($1)",
        "length(varbinary) -> bigint": "octet_length($1)",
        "levenshtein_distance(varchar, varchar) -> bigint": "trino_levenshtein_distance($1, $2)",
        "lower(varchar) -> varchar": "trino_lower($1)",
        "upper(varchar) -> varchar": "trino_upper($1)",
        "lpad(varchar, bigint, varchar) -> varchar": "trino_lpad($1, $2, $3)",
        "rpad(varchar, bigint, varchar) -> varchar": "trino_rpad($1, $2, $3)",
        "trim(varchar) -> varchar": "trim($1, trino_spaces())",
        "ltrim(varchar) -> varchar": "ltrim($1, trino_spaces())",
        "rtrim(varchar) -> varchar": "rtrim($1, trino_spaces())",
        "trim(varchar, varchar) -> varchar": "trim($1, $2)",
        "ltrim(varchar, varchar) -> varchar": "ltrim($1, $2)",
        "rtrim(varchar, varchar) -> varchar": "rtrim($1, $2)",
        "luhn_check(varchar) -> boolean": "trino_luhn_check($1)",
        "normalize(varchar, varchar) -> varchar": "trino_normalize($1, $2)",
        "replace(varchar, varchar) -> varchar": "replace($1, $2, '')",
        "replace(varchar, varchar, varchar) -> varchar": "trino_replace($1, $2, $3)",
        "reverse(varchar) -> varchar": "trino_reverse($1)",
        "soundex(varchar) -> varchar": "trino_soundex($1)",
        "split(varchar, varchar) -> array(varchar)": "trino_split($1, $2)",
        "split(varchar, varchar, bigint) -> array(varchar)": "trino_split_limit($1, $2, $3)",
        "split_part(varchar, varchar, bigint) -> varchar": "trino_split_part($1, $2, $3)",
        "split_to_map(varchar, varchar, varchar) -> map(varchar,varchar)": "trino_split_to_map($1, $2, $3)",
        "split_to_multimap(varchar, varchar, varchar) -> map(varchar,array(varchar))": (
            "trino_split_to_multimap($1, $2, $3)"
        ),
        "strpos(varchar, varchar) -> bigint": "CAST(instr($1, $2) AS BIGINT)",
        "strpos(varchar, varchar, bigint) -> bigint": "trino_strpos($1, $2, $3)",
        "starts_with(varchar, varchar) -> boolean": "starts_with($1, $2)",
        "ends_with(varchar, varchar) -> boolean": "ends_with($1, $2)",
        "substr(varchar, bigint) -> varchar": "trino_substr($1, $2)",
        "substr(varchar, bigint, bigint) -> varchar": "trino_substr_length($1, $2, $3)",
        "substring(varchar, bigint) -> varchar": "trino_substr($1, $2)",
        "substring(varchar, bigint, bigint) -> varchar": "trino_substr_length($1, $2, $3)",
        "translate(varchar, varchar, varchar) -> varchar": "translate($1, $2, $3)",
        "to_utf8(varchar) -> varbinary": "encode($1)",
        "from_utf8(varbinary) -> varchar": "trino_from_utf8($1)",
        "format_number(double) -> varchar": "trino_format_number($1)",
        "url_encode(varchar) -> varchar": "trino_url_encode($1)",
        "url_decode(varchar) -> varchar": "trino_url_decode($1)",
        "url_extract_protocol(varchar) -> varchar": "trino_url_part($1, 'protocol')",
        "url_extract_host(varchar) -> varchar": "trino_url_part($1, 'host')",
        "url_extract_port(varchar) -> bigint": "CAST(trino_url_part($1, 'port') AS BIGINT)",
        "url_extract_path(varchar) -> varchar": "trino_url_part($1, 'path')",
        "url_extract_query(varchar) -> varchar": "trino_url_part($1, 'query')",
        "url_extract_fragment(varchar) -> varchar": "trino_url_part($1, 'fragment')",
        "url_extract_parameter(varchar, varchar) -> varchar": "trino_url_parameter($1, $2)",
        "current_groups() -> array(varchar)": "CAST([] AS VARCHAR[])",
        "uuid() -> uuid": "CAST(uuid() AS VARCHAR)",
    }
)


@strings.handles("concat")
def _concat(call: Call) -> Value:
    values = call.values(2, 127)
    try:
        return reduce(concat, values)
    except QueryError:
        raise call.unexpected() from None


@strings.handles("concat_ws")
def _concat_ws(call: Call) -> Value:
    values = call.values(2, 127)
    separator, *rest = values
    if separator.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    if len(rest) == 1 and rest[0].type.base == "array":
        items = rest[0].sql
    else:
        if any(value.type.base not in {"varchar", "unknown"} for value in rest):
            raise call.unexpected()
        items = f"[{', '.join(coerce(value, VARCHAR).sql for value in rest)}]"
    between = coerce(separator, VARCHAR).sql
    return Value(f"trino_array_join({items}, {between})", VARCHAR)


@strings.handles("format")
def _format(call: Call) -> Value:
    """Java's format: every argument goes as text with its kind, and Python does the rest."""
    form, *values = call.values(1, 127)
    if form.type.base != "varchar":
        raise call.unexpected()
    texts: list[str] = []
    for value in values:
        text = "CAST(NULL AS VARCHAR)" if value.type.base == "unknown" else text_of(value)
        if text is None:
            raise unsupported(f"format of {value.type}")
        texts.append(text)
    kinds = ",".join(value.type.base for value in values)
    items = f"[{', '.join(texts)}]" if texts else "CAST([] AS VARCHAR[])"
    return Value(f"trino_format({form.sql}, '{kinds}', CAST({items} AS VARCHAR[]))", VARCHAR)
