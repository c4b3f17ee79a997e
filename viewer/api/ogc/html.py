"""The service's documents as plain pages: no script, readable by keys and by screen readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Several
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
from numpy.typing import NDArray

from viewer import format, pages, texts
from viewer.api import licences
from viewer.api.ogc import crs as systems
from viewer.api.ogc import features
from viewer.api.ogc.collections import Collection, Property
from viewer.api.ogc.query import Query

Links = Sequence[Mapping[str, str]]
Cell = dict[str, Any]


def cell(text: object, href: str = "", number: bool = False) -> Cell:
    return {"text": text, "href": href, "number": number}


def table(title: str, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> dict[str, Any]:
    return {"title": title, "head": list(head), "rows": [list(row) for row in rows]}


def landing(base: str, language: str, document: Mapping[str, Any], found: Several[Collection]) -> str:
    others = [(one["title"], _page_of(one["href"])) for one in document["links"][3:]]
    return _page(
        base, language, document["title"], [], [_overview(base, language, found)],
        about=document["description"], formats=[("JSON", f"{base}?f=json"), *others], records=found,
    )  # fmt: skip


def conformance(base: str, language: str, document: Mapping[str, Any]) -> str:
    rows = [[cell(uri)] for uri in document["conformsTo"]]
    title = texts.text(language, "api.conformance")
    return _page(base, language, title, [(title, "")], [table("", [], rows)],
                 formats=[("JSON", f"{base}/conformance?f=json")])  # fmt: skip


def interface(base: str, language: str, document: Mapping[str, Any], own: str = "") -> str:
    """The paths of an OpenAPI description, which lies at `own`, else below `base`."""
    said = _said(language)
    rows = []
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            names = [_parameter(document, p)["name"] for p in one.get("parameters", ())]
            rows.append([cell(f"{method.upper()} {path}"), cell(one["summary"]), cell(", ".join(names))])
    head = [cell(said("path")), cell(said("meaning")), cell(said("parameters"))]
    title = said("openapi")
    return _page(base, language, title, [(title, "")], [table("", head, rows)],
                 formats=[("OpenAPI 3.0 (JSON)", own or f"{base}/api?f=json")])  # fmt: skip


def collections(base: str, language: str, found: Several[Collection]) -> str:
    title = texts.text(language, "api.collections")
    return _page(base, language, title, [(title, "")], [_overview(base, language, found)],
                 formats=[("JSON", f"{base}/collections?f=json")], records=found)  # fmt: skip


def collection(base: str, language: str, one: Collection, document: Mapping[str, Any]) -> str:
    said = _said(language)
    here = f"{base}/collections/{quote(one.id)}"
    rows = [
        [cell(said("items")), cell(format.number(len(one.table), language), f"{here}/items?f=html")],
        [cell(said("queryables")), cell(len(one.properties), f"{here}/queryables?f=html")],
        [cell(said("licence")), cell(", ".join(f"{p.licence}" for p in one.provenance) or "–")],
        [cell(said("credit")), cell(document["attribution"] or "–")],
        [cell(said("changes")), cell("; ".join(p.changes for p in one.provenance if p.changes) or "–")],
        [cell(said("crs")), cell(", ".join(document["crs"]))],
    ]
    if one.bbox is not None:
        rows.append([cell(said("extent")), cell(", ".join(format.number(v, language, 5) for v in one.bbox))])
    return _page(
        base, language, one.title(language), _way(base, language, (one.title(language), "")),
        [table("", [], rows)], about=one.description(language), records=[one],
        formats=[("JSON", f"{here}?f=json"), ("GeoJSON", f"{here}/items?f=json")],
    )  # fmt: skip


def queryables(base: str, language: str, one: Collection) -> str:
    said = _said(language)
    here = f"{base}/collections/{quote(one.id)}"
    head = [cell(said("column")), cell(said("name")), cell(said("unit")), cell(said("meaning"))]
    rows = [[cell(p.name), cell(p.label(language)), cell(p.unit), cell(p.meaning)] for p in one.properties]
    way = _way(base, language, (one.title(language), f"{here}?f=html"), (said("queryables"), ""))
    return _page(base, language, f"{one.title(language)}: {said('queryables')}", way, [table("", head, rows)],
                 formats=[("JSON Schema", f"{here}/queryables?f=json")], records=[one])  # fmt: skip


def items(
    base: str,
    language: str,
    one: Collection,
    rows: NDArray[np.intp],
    matched: int,
    wanted: Query,
    links: Links,
) -> str:
    said = _said(language)
    here = f"{base}/collections/{quote(one.id)}"
    head = [cell("id"), *(cell(_headed(p, language), number=_is_number(p)) for p in one.properties)]
    body = [
        [cell(name, f"{here}/items/{quote(name, safe='')}?f=html"), *_cells(one, known, language)]
        for name, known in zip(one.ids[rows], features.values(one, rows), strict=True)
    ]
    count = texts.text(
        language, "api.count", first=format.number(min(wanted.offset + 1, matched), language),
        last=format.number(min(wanted.offset + len(rows), matched), language),
        all=format.number(matched, language),
    )  # fmt: skip
    turning = [(said(x["rel"]), x["href"]) for x in links if x["rel"] in ("prev", "next")]
    formats = [("GeoJSON", x["href"]) for x in links if x["rel"] == "alternate"]
    way = _way(base, language, (one.title(language), f"{here}?f=html"), (said("items"), ""))
    return _page(base, language, one.title(language), way, [table("", head, body)], about=count, links=links,
                 pages_=turning, formats=formats, records=[one])  # fmt: skip


def item(base: str, language: str, one: Collection, row: int, links: Links) -> str:
    said = _said(language)
    here = f"{base}/collections/{quote(one.id)}"
    known = features.values(one, np.array([row]))[0]
    cells = _cells(one, known, language)
    rows = [[cell(_headed(p, language)), value] for p, value in zip(one.properties, cells, strict=True)]
    middle = systems.ALL[systems.CRS84.uri]
    shape = one.shapes(middle)[row]
    if shape is not None and not shape.is_empty:
        at = shape.representative_point()
        place = ", ".join(format.number(value, language, 6) for value in (at.x, at.y))
        rows.append([cell(said("place")), cell(place)])
    name = str(one.ids[row])
    way = _way(base, language, (one.title(language), f"{here}?f=html"),
               (said("items"), f"{here}/items?f=html"), (name, ""))  # fmt: skip
    formats = [("GeoJSON", x["href"]) for x in links if x["rel"] == "self"]
    return _page(base, language, f"{one.title(language)}: {name}", way, [table("", [], rows)], links=links,
                 formats=formats, records=[one])  # fmt: skip


def _overview(base: str, language: str, found: Iterable[Collection]) -> dict[str, Any]:
    said = _said(language)
    head = [cell(said("name")), cell(said("items"), number=True), cell(said("meaning"))]
    rows = [
        [
            cell(one.title(language), f"{base}/collections/{quote(one.id)}?f=html"),
            cell(format.number(len(one.table), language), number=True),
            cell(one.description(language)),
        ]
        for one in found
    ]
    return table(said("collections"), head, rows)


def _cells(one: Collection, known: Mapping[str, Any], language: str) -> list[Cell]:
    return [cell(_shown(known[p.name], p, language), number=_is_number(p)) for p in one.properties]


def _shown(value: Any, known: Property, language: str) -> str:
    if value is None:
        return "–"
    if known.kind == "bool":
        return texts.text(language, "api.yes" if value else "api.no")
    if _is_number(known) and known.unit != "a":  # years are not grouped by thousands
        return format.number(float(value), language, 0 if known.kind == "count" else 1)
    return str(value)


def _headed(known: Property, language: str) -> str:
    label = known.label(language)
    return f"{label} [{known.unit}]" if known.unit not in ("", "a") else label


def _is_number(known: Property) -> bool:
    return known.kind in ("float", "count")


def _parameter(document: Mapping[str, Any], one: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = one
    if "$ref" in one:
        found = document["components"]["parameters"][str(one["$ref"]).rpartition("/")[2]]
    return found


def _page_of(href: str) -> str:
    return href if urlsplit(href).query else f"{href}?f=html"


def _way(base: str, language: str, *steps: tuple[str, str]) -> list[tuple[str, str]]:
    return [(texts.text(language, "api.collections"), f"{base}/collections?f=html"), *steps]


def _said(language: str) -> Callable[[str], str]:
    return lambda key: texts.text(language, f"api.{key}")


def _page(
    base: str,
    language: str,
    title: str,
    way: Sequence[tuple[str, str]],
    tables: Sequence[Mapping[str, Any]],
    *,
    about: str = "",
    links: Links = (),
    pages_: Sequence[tuple[str, str]] = (),
    formats: Sequence[tuple[str, str]] = (),
    records: Iterable[Collection] = (),
) -> str:
    origin = [record for one in records for record in one.provenance]
    licence = [
        {"rel": "license", "href": one.uri, "type": "text/html", "title": one.text}
        for one in licences.of_all(origin)
        if one.uri
    ]
    start = (texts.text(language, "api.title"), f"{base}?f=html" if way else "")
    return pages.template("api.html").render(
        **pages.context(language), tag=texts.tag(language), title=title, path=[start, *way], tables=tables,
        about=about, links=[*links, *licence], pages=pages_, formats=formats,
        credit=licences.attribution(origin),
    )  # fmt: skip
