"""From response bodies of any format to records as columns, before any rule is applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from finks.contract.bodies import Body, Decoded
from finks.contract.decode_json import JsonDecoder
from finks.contract.decode_table import TableDecoder
from finks.contract.spec import CompiledContract
from finks.errors import ConfigurationError

_BOM = b"\xef\xbb\xbf"
_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a vendor's bodies map to a contract's fields.

    Attributes:
        rename: Vendor field name to contract field name; a name that is not listed stays.
        nulls: Texts that stand for an absent value, matched exactly.
        from_key: The contract field that takes the slice's key where the body does not carry it.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    nulls: tuple[str, ...] = ("",)
    from_key: str | None = None

    def vendor_names(self, contract: CompiledContract) -> dict[str, str]:
        """Contract field name to vendor field name, in declaration order.

        Raises:
            ConfigurationError: A name leads to no field, or two lead to one.
        """
        fields = [spec.name for spec in contract.fields]
        targets = [*self.rename.values()]
        unknown = {*targets, self.from_key or fields[0]} - {*fields}
        if unknown or len({*targets}) < len(targets):
            raise ConfigurationError(
                f"a decoding does not fit the contract {contract.name}",
                where="rename" if {*targets} - {*fields} or not unknown else "from_key",
                expected="each field once, of: " + ", ".join(fields),
                got=", ".join(sorted(unknown) or sorted(targets)),
                hint="correct the stream's declaration",
            )
        known = {ours: theirs for theirs, ours in self.rename.items()}
        return {name: known.get(name, name) for name in fields}


def without_mark(content: bytes) -> bytes:
    """The body without a UTF-8 byte order mark, which RFC 8259 lets a parser ignore."""
    return content.removeprefix(_BOM)


def sniff(content_type: str, content: bytes) -> str:
    """The format of a body: `json`, `ndjson`, `csv` or `parquet`.

    The content decides where it can, because vendors mislabel: a leading bracket is JSON whatever the
    label says, and what is labelled JSON without one is bad JSON, not CSV.
    """
    if content.startswith(b"PAR1"):
        return "parquet"
    media = content_type.split(";")[0].strip().lower()
    if media in _NDJSON:
        return "ndjson"
    if content[:256].lstrip()[:1] in (b"[", b"{") or media.endswith(("json", "html")):
        return "json"
    return "csv"


def decode(bodies: Iterable[tuple[int, str, bytes]], contract: CompiledContract, decoding: Decoding) -> list[Decoded]:
    """Decode a batch of bodies.

    Args:
        bodies: Position, declared content type and bytes of each.
        contract: Which fields are wanted.
        decoding: What the vendor calls them.

    Returns:
        Parts in no particular order; every record of every body is in exactly one of them, and a body
        that does not parse is one fault with ordinal -1.
    """
    formats: dict[str, list[Body]] = {}
    for response, content_type, content in bodies:
        plain = without_mark(content)
        formats.setdefault(sniff(content_type, plain), []).append(Body(response, plain))
    names = decoding.vendor_names(contract)
    parts: list[Decoded] = []
    if "json" in formats or "ndjson" in formats:
        json_decoder = JsonDecoder(contract, names)
        parts += json_decoder.decode(formats.get("json", []), lines=False)
        parts += json_decoder.decode(formats.get("ndjson", []), lines=True)
    keys = [name for name in contract.key if name != decoding.from_key]
    table_decoder = TableDecoder(names, keys)
    parts += table_decoder.decode(formats.get("csv", []), table_decoder.csv)
    parts += table_decoder.decode(formats.get("parquet", []), table_decoder.parquet)
    return parts
