"""The documentation page of an OpenAPI document. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from finks_api.problems import CATALOGUE, RETRY_AFTER
from finks_api.site.markup import Markup, element, joined, paragraphs, prose, table
from finks_api.site.reference import Node, Operation, Reference, kind, limits

ADDRESS: Final = "http://127.0.0.1:8000"


def page(document: Mapping[str, Any], *, style: str, source: str) -> str:
    """The page.

    Args:
        document: The OpenAPI 3.1 document.
        style: Where the style sheet is.
        source: Where the document itself is.
    """
    reference = Reference(document)
    title = document["info"]["title"]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("link", rel="stylesheet", href=style),
    )
    content = element(
        "main",
        _introduction(document, reference, source),
        *(_tag(tag, reference) for tag in document["tags"]),
        _common(reference),
        _problems(),
    )
    body = element("body", _navigation(document, reference), content)
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _navigation(document: Node, reference: Reference) -> Markup:
    def group(tag: Node) -> Markup:
        links = (
            element("li", element("a", each.node["summary"], href=f"#{each.id}"))
            for each in reference.of_tag(tag["name"])
        )
        return joined(element("h2", tag["name"]), element("ul", *links))

    more = (("#parameters", "Common parameters"), ("#problems", "Problems"))
    links = element("ul", *(element("li", element("a", text, href=href)) for href, text in more))
    brand = element("a", document["info"]["title"], href="#top", class_="brand")
    return element("nav", brand, *(group(tag) for tag in document["tags"]), element("h2", "Everywhere"), links)


def _introduction(document: Node, reference: Reference, source: str) -> Markup:
    info = document["info"]
    first = next(each for each in reference.operations if each.secured)
    start = f"API={ADDRESS}\nKEY=…\n\n{_curl(first)}"
    version = joined("Version ", info["version"], " · ", element("a", "OpenAPI 3.1 document", href=source))
    return _split(
        joined(element("h1", info["title"]), element("p", version, class_="quiet"), paragraphs(info["description"])),
        _sample("With a key and the address of the service", start),
        id="top",
    )


def _tag(tag: Node, reference: Reference) -> Markup:
    heading = joined(element("h2", tag["name"]), paragraphs(tag["description"]))
    return joined(
        element("section", heading, class_="tag"),
        *(_operation(each, reference) for each in reference.of_tag(tag["name"])),
    )


def _operation(operation: Operation, reference: Reference) -> Markup:
    own = [each for each in operation.parameters if each["name"] not in reference.common]
    shared = [each["name"] for each in operation.parameters if each["name"] in reference.common]
    title = element("h3", element("a", operation.node["summary"], href=f"#{operation.id}"))
    left = joined(
        title,
        element("p", element("b", operation.method.upper()), " ", _path(operation.path), class_="path"),
        paragraphs(operation.node.get("description", "")),
        None if operation.secured else element("p", "Needs no key.", class_="quiet"),
        joined(element("h4", "Parameters"), _parameters(own)) if own else None,
        _shared(shared),
        _answer(operation, reference),
        _refusals(operation),
    )
    return _split(left, _sample("Request", _curl(operation)), id=operation.id)


def _path(path: str) -> Markup:
    """The path, its parameters marked."""
    parts = path.split("/")[1:]
    return element("code", *(joined("/", element("i", part) if part.startswith("{") else part) for part in parts))


def _parameters(parameters: Sequence[Node]) -> Markup:
    def row(parameter: Node) -> tuple[str, ...]:
        schema = parameter["schema"]
        required = element("b", "required") if parameter.get("required") else "optional"
        told = joined(kind(schema).removesuffix(" or null"), ", ", required)
        more = limits(schema)
        text = joined(prose(parameter.get("description", "")), element("small", more) if more else None)
        return element("code", parameter["name"]), told, text

    return table(("Name", "Type", "Meaning"), [row(each) for each in parameters])


def _shared(names: Sequence[str]) -> Markup | None:
    if not names:
        return None
    links = [joined(", " if index else "", element("code", name)) for index, name in enumerate(names)]
    return element(
        "p", "Also ", *links, ": ", element("a", "common parameters", href="#parameters"), ".", class_="quiet"
    )


def _answer(operation: Operation, reference: Reference) -> Markup:
    schema = reference.answer(operation)
    fields = [(element("code", name), type_, prose(text)) for name, type_, text in reference.fields(schema)]
    ok = operation.node["responses"]["200"]
    headers = [(element("code", name), prose(each["description"])) for name, each in ok.get("headers", {}).items()]
    return joined(
        element("h4", "Answer"),
        element("p", prose(ok["description"]), " As ", _listed(operation.media_types), "."),
        _folded(f"{len(fields)} fields of {schema['title']}", table(("Field", "Type", "Meaning"), fields)),
        _folded(f"{len(headers)} headers", table(("Header", "Meaning"), headers)) if headers else None,
    )


def _folded(summary: str, content: Markup) -> Markup:
    return element("details", element("summary", summary), content)


def _listed(names: Sequence[str]) -> Markup:
    codes = [element("code", name) for name in names]
    if len(codes) == 1:
        return codes[0]
    return joined(*(joined(each, ", " if each is not codes[-2] else " or ") for each in codes[:-1]), codes[-1])


def _refusals(operation: Operation) -> Markup:
    """What it answers besides, by status; the problems are told once, below."""
    rows = [
        (element("code", code), prose(each["description"]))
        for code, each in operation.node["responses"].items()
        if code != "200"
    ]
    return _folded("Other answers", table(("Status", "Meaning"), rows))


def _common(reference: Reference) -> Markup:
    text = "Every list takes these. Others are refused, with the nearest name that the route knows."
    shown = joined(element("h2", "Common parameters"), element("p", text), _parameters(list(reference.common.values())))
    return element("section", shown, id="parameters", class_="wide")


def _problems() -> Markup:
    rows = [
        (
            element("code", str(each.status)),
            element("code", slug),
            joined(each.title, " ", prose(each.help)),
            f"{RETRY_AFTER[slug]} s" if slug in RETRY_AFTER else "",
        )
        for slug, each in sorted(CATALOGUE.items(), key=lambda item: (item[1].status, item[0]))
    ]
    text = (
        "What is not an answer is a problem document (RFC 9457). Its `type` is `urn:finks:problem:` and the name here."
    )
    head = ("Status", "Problem", "Meaning, and what to do", "Retry-After")
    shown = joined(element("h2", "Problems"), element("p", prose(text)), table(head, rows))
    return element("section", shown, id="problems", class_="wide")


def _curl(operation: Operation) -> str:
    """A request that a reader can send; where the document has an example of a parameter, with it."""
    path, query = operation.path, ""
    for parameter in operation.parameters:
        example = next(iter(parameter["schema"].get("examples", ())), None)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(example))
        elif example is not None:
            query += f"-d {parameter['name']}={example} "
    command = "curl -G" if query else "curl"
    key = ' -H "x-api-key: $KEY"' if operation.secured else ""
    return " \\\n  ".join(line for line in (command + key, query.strip(), f'"$API{path}"') if line)


def _sample(title: str, text: str) -> Markup:
    return element("figure", element("figcaption", title), element("pre", element("code", text)))


def _split(left: Markup, right: Markup, *, id: str) -> Markup:
    return element("section", element("div", left), element("aside", right), id=id, class_="split")
