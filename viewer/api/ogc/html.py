"""The service's documents as plain pages: no script, readable by keys and by screen readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Several
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.sources.base import Provenance
from viewer import format, pages, texts
from viewer.api import licences
from viewer.api.ogc import cql, features
from viewer.api.ogc import crs as systems
from viewer.api.ogc.collections import Collection, Property
from viewer.api.ogc.crs import Crs
from viewer.api.ogc.query import Query

Links = Sequence[Mapping[str, str]]
Cell = dict[str, Any]


def cell(text: object, href: str = "", number: bool = False, more: str = "") -> Cell:
    """A cell of a table. more : what is shown once somebody opens it."""
    return {"text": text, "href": href, "number": number, "more": more}


def table(title: str, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> dict[str, Any]:
    return {"title": title, "head": list(head), "rows": [list(row) for row in rows]}


def landing(
    base: str,
    language: str,
    document: Mapping[str, Any],
    found: Several[Collection],
    offered: Sequence[Mapping[str, Any]] = (),
) -> str:
    """offered : what the list says of each process."""
    calculations = [_offered(base, language, offered)] if offered else []
    return _page(
        base, language, document["title"], [], [_overview(base, language, found), *calculations],
        about=document["description"], formats=[("JSON", f"{base}?f=json")], records=found,
        links=document["links"],
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


def processes(
    base: str,
    language: str,
    document: Mapping[str, Any],
    links: Links,
    origin: Iterable[Provenance],
    kept: Mapping[str, str],
) -> str:
    """The list of processes. links : those of the document, and to the pages beside it."""
    said = _said(language)
    offered = document["processes"]
    title = said("processes")
    turning = [(said(x["rel"]), x["href"]) for x in links if x["rel"] in ("prev", "next")]
    formats = [("JSON", x["href"]) for x in links if x["rel"] == "alternate"]
    return _page(
        base, language, title, [(title, "")], [_offered(base, language, offered)], formats=formats,
        pages_=turning, links=[*links, *(link for one in offered for link in one["links"])], origin=origin,
        kept=kept,
    )  # fmt: skip


def process(base: str, language: str, document: Mapping[str, Any], origin: Iterable[Provenance]) -> str:
    """A process with its inputs and outputs."""
    said = _said(language)
    here = f"{base}/processes/{quote(document['id'])}"
    facts = [
        [cell("id"), cell(document["id"])],
        [cell(said("version")), cell(document["version"])],
        [cell(said("control")), cell(", ".join(document["jobControlOptions"]))],
        [cell(said("transmission")), cell(", ".join(document["outputTransmission"]))],
    ]
    title = document["title"]
    return _page(
        base, language, title, [(said("processes"), f"{base}/processes?f=html"), (title, "")],
        [table("", [], facts), _given(language, document["inputs"]), _made(language, document["outputs"])],
        about=document["description"], formats=[("JSON", f"{here}?f=json")], links=document["links"],
        origin=origin,
    )  # fmt: skip


def _offered(base: str, language: str, offered: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    said = _said(language)
    head = [cell(said("name")), cell("id"), cell(said("meaning"))]
    rows = [
        [
            cell(one["title"], f"{base}/processes/{quote(one['id'])}?f=html"),
            cell(one["id"]),
            cell(one["description"]),
        ]
        for one in offered
    ]
    return table(said("processes"), head, rows)


def _given(language: str, inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    said = _said(language)
    head = [cell(said(key)) for key in ("name", "meaning", "required", "default", "values")]
    rows = [
        [
            cell(name),
            cell(one["title"]),
            cell(said("yes" if one["minOccurs"] else "no")),
            cell(json.dumps(one["schema"]["default"]) if "default" in one["schema"] else "–"),
            cell("JSON Schema", more=json.dumps(one["schema"], ensure_ascii=False)),
        ]
        for name, one in inputs.items()
    ]
    return table(said("inputs"), head, rows)


def _made(language: str, outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    said = _said(language)
    head = [cell(said("name")), cell(said("meaning")), cell("JSON")]
    rows = [[cell(name), cell(one["title"]), cell(one["schema"]["type"])] for name, one in outputs.items()]
    return table(said("outputs"), head, rows)


def collections(base: str, language: str, found: Several[Collection], document: Mapping[str, Any]) -> str:
    title = texts.text(language, "api.collections")
    told = list(zip(found, document["collections"], strict=True))
    links = [*document["links"], *(link for _, known in told for link in known["links"])]
    facts = [table(one.title(language), [], _facts(base, language, one, known)) for one, known in told]
    return _page(base, language, title, [(title, "")], [_overview(base, language, found), *facts],
                 formats=[("JSON", f"{base}/collections?f=json")], records=found, links=links)  # fmt: skip


def collection(base: str, language: str, one: Collection, document: Mapping[str, Any]) -> str:
    here = f"{base}/collections/{quote(one.id)}"
    return _page(
        base, language, one.title(language), _way(base, language, (one.title(language), "")),
        [table("", [], _facts(base, language, one, document))], about=one.description(language),
        records=[one],
        formats=[("JSON", f"{here}?f=json"), ("GeoJSON", f"{here}/items?f=json")], links=document["links"],
    )  # fmt: skip


def _facts(base: str, language: str, one: Collection, document: Mapping[str, Any]) -> list[list[Cell]]:
    """All that a collection's document says, as rows of a name and a value."""
    said = _said(language)
    here = f"{base}/collections/{quote(one.id)}"
    named = [licence.text for licence in licences.of_all(one.provenance)]
    rows = [
        [cell("id"), cell(one.id)],
        [cell(said("items")), cell(format.number(len(one.table), language), f"{here}/items?f=html")],
        [cell(said("queryables")), cell(len(one.properties), f"{here}/queryables?f=html")],
        [cell(said("licence")), cell(", ".join(named) or "–")],
        [cell(said("credit")), cell(document["attribution"] or "–")],
        [cell(said("changes")), cell("; ".join(p.changes for p in one.provenance if p.changes) or "–")],
        [cell(said("crs")), cell(", ".join(document["crs"]))],
        [cell(said("storage_crs")), cell(document["storageCrs"])],
    ]
    if one.bbox is not None:
        rows.append([cell(said("extent")), cell(", ".join(format.number(v, language, 5) for v in one.bbox))])
    if one.first_year is not None:
        rows.append([cell(said("since")), cell(one.first_year)])
    return rows


def queryables(base: str, language: str, one: Collection) -> str:
    said = _said(language)
    here = f"{base}/collections/{quote(one.id)}"
    head = [cell(said("column")), cell(said("name")), cell(said("unit")), cell(said("meaning"))]
    rows = [[cell(cql.GEOMETRY), cell(said("geometry")), cell(""), cell("")]]
    rows += [[cell(p.name), cell(p.label(language)), cell(p.unit), cell(p.meaning)] for p in one.properties]
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
    kept: Mapping[str, str],
) -> str:
    """A page of features. kept : the request's parameters, for the same in another language."""
    said = _said(language)
    here = f"{base}/collections/{quote(one.id)}"
    headed = [cell(_headed(p, language), number=_is_number(p)) for p in one.properties]
    head = [cell("id"), *headed, cell(said("geometry"))]
    shapes = _shapes(one, rows, wanted.crs)
    body = [
        [cell(name, f"{here}/items/{quote(name, safe='')}?f=html"), *_cells(one, known, language), shape]
        for name, known, shape in zip(one.ids[rows], features.values(one, rows), shapes, strict=True)
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
                 pages_=turning, formats=formats, records=[one], kept=kept)  # fmt: skip


def item(
    base: str, language: str, one: Collection, row: int, crs: Crs, links: Links, kept: Mapping[str, str]
) -> str:
    said = _said(language)
    here = f"{base}/collections/{quote(one.id)}"
    known = features.values(one, np.array([row]))[0]
    cells = _cells(one, known, language)
    rows = [[cell(_headed(p, language)), value] for p, value in zip(one.properties, cells, strict=True)]
    middle = one.shapes(systems.CRS84)[row]
    if middle is not None and not middle.is_empty:
        at = middle.representative_point()
        place = ", ".join(format.number(value, language, 6) for value in (at.x, at.y))
        rows.append([cell(said("place")), cell(place)])
    rows.append([cell(said("geometry")), *_shapes(one, np.array([row]), crs)])
    name = str(one.ids[row])
    way = _way(base, language, (one.title(language), f"{here}?f=html"),
               (said("items"), f"{here}/items?f=html"), (name, ""))  # fmt: skip
    formats = [("GeoJSON", x["href"]) for x in links if x["rel"] == "self"]
    return _page(base, language, f"{one.title(language)}: {name}", way, [table("", [], rows)], links=links,
                 formats=formats, records=[one], kept=kept)  # fmt: skip


def _shapes(one: Collection, rows: NDArray[np.intp], crs: Crs) -> list[Cell]:
    """The geometries as WKT, in the axis order of `crs` as in GeoJSON."""
    shapes = systems.in_order(one.shapes(crs)[rows], crs)
    return [
        cell("–")
        if shape is None
        else cell(shape.geom_type, more=shapely.to_wkt(shape, rounding_precision=7))
        for shape in shapes
    ]


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
    origin: Iterable[Provenance] = (),
    kept: Mapping[str, str] | None = None,
) -> str:
    origin = [*origin, *(record for one in records for record in one.provenance)]
    licence = [
        {"rel": "license", "href": one.uri, "type": "text/html", "title": one.text}
        for one in licences.of_all(origin)
        if one.uri
    ]
    listed = {(_rel(one), one["href"]): {**one, "rel": _rel(one)} for one in (*links, *licence)}
    languages = {code: urlencode({**(kept or {}), "f": "html", "lang": code}) for code in texts.languages()}
    start = (texts.text(language, "api.title"), f"{base}?f=html" if way else "")
    return pages.template("api.html").render(
        **pages.context(language), tag=texts.tag(language), title=title, path=[start, *way], tables=tables,
        about=about, links=list(listed.values()), pages=pages_, formats=formats, queries=languages,
        credit=licences.attribution(origin),
    )  # fmt: skip


def _rel(link: Mapping[str, str]) -> str:
    """What a link is to a page: of the two forms of a document itself, the page is the one shown."""
    if link["rel"] not in ("self", "alternate"):
        return link["rel"]
    return "self" if link["type"] == "text/html" else "alternate"
