"""HTML from Python calls. Text is escaped unless it is markup already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

_VOID: Final = frozenset({"link", "meta"})
_CODE: Final = re.compile(r"`([^`]+)`")


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def element(name: str, /, *children: str | None, **attributes: str | None) -> Markup:
    """An element. A child of None is left out, and so is an attribute of None.

    Args:
        name: Of the element.
        children: Text, which is escaped, or markup.
        attributes: `class_` stands for `class`, and `_` for `-`.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{told}>")
    return Markup(f"<{name}{told}>{joined(*children)}</{name}>")


def joined(*children: str | None) -> Markup:
    """Several pieces as one."""
    return Markup("".join(each if isinstance(each, Markup) else escape(each) for each in children if each is not None))


def prose(text: str) -> Markup:
    """Text with `code` in it, one line or part of one."""
    pieces = _CODE.split(text)
    return joined(*(element("code", piece) if index % 2 else piece for index, piece in enumerate(pieces)))


def paragraphs(text: str) -> Markup:
    """Text whose paragraphs are parted by empty lines."""
    return joined(*(element("p", prose(each)) for each in text.strip().split("\n\n")))


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Markup:
    """A table; it scrolls by itself where it is too wide."""
    titles = element("tr", *(element("th", each, scope="col") for each in head))
    lines = (element("tr", *(element("td", each) for each in row)) for row in rows)
    whole = element("table", element("thead", titles), element("tbody", *lines))
    return element("div", whole, class_="scroll")
