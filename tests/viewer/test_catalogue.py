"""The catalogue as DCAT-AP.de 3.0 wants it: GovData's shapes, our own list of duties, real links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pyshacl import validate
from rdflib import DCAT, DCTERMS, FOAF, RDF, RDFS, SH, XSD, Graph, URIRef

from tests.viewer.test_server import serving
from twin.errors import CallError
from twin.sources.base import Provenance
from viewer.api import catalogue, catalogue_record, files, licences
from viewer.api.catalogue_record import DCATDE, VCARD, Settings
from viewer.api.ogc import routes
from viewer.api.ogc.collections import Collection
from viewer.api.ogc.service import groups as released
from viewer.api.ogc.service import service
from viewer.state import Twin

CONTRIBUTOR = "http://dcat-ap.de/def/contributors/stadtJena"
GIVEN = {
    "LOBEDA_CATALOGUE_CONTRIBUTOR_ID": CONTRIBUTOR,
    "LOBEDA_CATALOGUE_PUBLISHER": "Stadt Jena",
    "LOBEDA_CATALOGUE_CONTACT_EMAIL": "opendata@jena.de",
    "LOBEDA_CATALOGUE_MUNICIPALITY_KEY": "16053000",
}
# What DCAT-AP.de 3.0 calls mandatory, by class (its conventions handbook, and DCAT-AP 3.0).
MANDATORY = {
    DCAT.Catalog: (DCTERMS.title, DCTERMS.description, DCTERMS.publisher),
    DCAT.Dataset: (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCATDE.contributorID,
                   DCAT.distribution, DCAT.contactPoint, DCAT.theme, DCTERMS.identifier),
    DCAT.Distribution: (DCAT.accessURL, DCTERMS.license, DCTERMS["format"]),
    DCAT.DataService: (DCTERMS.title, DCTERMS.publisher, DCAT.endpointURL),
    FOAF.Agent: (FOAF.name,),
    VCARD.Kind: (VCARD.fn, VCARD.hasEmail),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(twin: Twin) -> Mapping[str, Collection]:
    """The small district's tables: those of which something is known about the origin."""
    records = [
        Provenance(name, "hand-made", "tests", "dl-de/by-2-0", "Stadt Jena") for name in ("trees", "blocks")
    ]
    district = replace(twin.district, provenance=(*twin.district.provenance, *records))
    return service(Twin(district, twin.case, twin.annual), None).found()


@pytest.fixture(scope="module")
def root(twin: Twin, found: Mapping[str, Collection]) -> Iterator[str]:
    """A server whose town has given its settings."""
    app = FastAPI(openapi_url=None)
    app.include_router(routes.router(routes.Service(lambda _: "Kleinquartier", lambda: found)))
    offered = files.Files(twin.district, found["modelled_values"].released, twin.group)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in GIVEN.items():
            patch.setenv(name, value)
        app.include_router(catalogue.router(twin.district, lambda: found, files=offered.offered))
    app.include_router(files.router(offered))
    with serving(app) as address:
        yield address
    offered.close()


def lacking(graph: Graph) -> list[str]:
    """What is mandatory and not there; a graph without its main classes lacks them."""
    lost = [
        f"no {kind}"
        for kind in (DCAT.Catalog, DCAT.Dataset, DCAT.Distribution)
        if not set(graph[: RDF.type : kind])
    ]
    for kind, properties in MANDATORY.items():
        for subject in graph[: RDF.type : kind]:
            lost += [f"{subject} lacks {one}" for one in properties if not set(graph[subject:one])]
    return lost


def test_record_holds_all_that_is_mandatory(root: str, found: Mapping[str, Collection]) -> None:
    graph = Graph().parse(data=httpx.get(f"{root}/api/catalogue").text, format="turtle")
    assert lacking(graph) == []
    assert len(set(graph[: RDF.type : DCAT.Dataset])) == len(found)
    assert not set(graph[: RDFS.comment :])
    for place in graph[: RDF.type : DCAT.Distribution]:
        licence = str(graph.value(place, DCTERMS.license))
        assert licence.startswith("http://dcat-ap.de/def/licenses/")
        if "dl-by-de" in licence:
            assert str(graph.value(place, DCATDE.licenseAttributionByText)) == "Stadt Jena"
    assert {str(one) for _, one in graph[: DCATDE.contributorID :]} == {CONTRIBUTOR}


def test_all_files_are_listed_with_what_binds_them(
    twin: Twin, found: Mapping[str, Collection], tmp_path: Path
) -> None:
    """The GeoPackage holds trees under the ODbL, which binds it; the other files do not."""
    dated = [
        Provenance("buildings", "x", "y", "dl-de/by-2-0", "Stadt Jena", date="2025-03"),
        Provenance("trees", "OpenStreetMap", "y", "ODbL-1.0", "© OpenStreetMap contributors", "2026-02-28"),
    ]
    offered = files.Files(replace(twin.district, provenance=tuple(dated)), released(twin), twin.group)
    graph = catalogue_record.record(
        "http://x", {"de": "K"}, found.values(), Settings(), files=offered.offered
    )
    offered.close()
    places = {name: URIRef(f"http://x/api/files/{name}#file") for name in (*files.NAMES, files.TILESET)}
    assert len(places) == 6
    for name, place in places.items():
        assert graph.value(place, DCTERMS["format"]) and graph.value(place, DCAT.mediaType), name
        packed = name.endswith(".gpkg")
        licence = str(graph.value(place, DCTERMS.license)).rpartition("/licenses/")[2]
        assert licence == ("odbl" if packed else "dl-by-de/2.0"), name
        modified = graph.value(place, DCTERMS.modified)
        expected = ("2026-02-28", XSD.date) if packed else ("2025-03", XSD.gYearMonth)
        assert (str(modified), modified.datatype) == expected, name


def test_a_file_with_a_part_of_unknown_licence_is_left_out_and_named(
    twin: Twin, found: Mapping[str, Collection]
) -> None:
    records = (*twin.district.provenance, Provenance("trees", "x", "y", "ask the owner"))
    offered = files.Files(replace(twin.district, provenance=records), released(twin), twin.group)
    graph = catalogue_record.record(
        "http://x", {"de": "K"}, found.values(), Settings(), files=offered.offered
    )
    offered.close()
    assert not graph.value(URIRef("http://x/api/files/district.gpkg#file"), DCTERMS.license)
    assert any("district.gpkg" in str(said) for _, said in graph[: RDFS.comment :])


def test_an_empty_catalogue_would_be_found_out() -> None:
    nearly = Graph().parse(data="<x:a> a <http://www.w3.org/ns/dcat#Catalog> .", format="turtle")
    assert lacking(Graph()) and lacking(nearly)


def test_every_link_of_ours_is_served(root: str) -> None:
    graph = Graph().parse(data=httpx.get(f"{root}/api/catalogue").text, format="turtle")
    asked = 0
    for link in (DCAT.accessURL, DCAT.downloadURL, DCAT.endpointURL, DCAT.endpointDescription):
        for _, address in graph[:link:]:
            assert str(address).startswith(root)
            assert httpx.get(str(address)).status_code == 200, address
            asked += 1
    assert asked >= 12


@pytest.mark.parametrize(
    ("suffix", "accept", "media_type", "name"),
    [(".ttl", "text/turtle", "text/turtle", "turtle"),
     (".rdf", "application/rdf+xml", "application/rdf+xml", "xml"),
     (".jsonld", "application/ld+json;q=0.9, text/html;q=0.1", "application/ld+json", "json-ld")],
)  # fmt: skip
def test_formats_say_the_same(root: str, suffix: str, accept: str, media_type: str, name: str) -> None:
    reference = Graph().parse(data=httpx.get(f"{root}/api/catalogue").text, format="turtle")
    by_suffix = httpx.get(f"{root}/api/catalogue{suffix}")
    by_accept = httpx.get(f"{root}/api/catalogue", headers={"Accept": accept})
    for answer in (by_suffix, by_accept):
        assert answer.headers["content-type"].startswith(media_type)
        assert set(Graph().parse(data=answer.text, format=name)) == set(reference)
    again = httpx.get(f"{root}/api/catalogue{suffix}", headers={"If-None-Match": by_suffix.headers["etag"]})
    assert again.status_code == 304


def test_links_are_of_the_address_that_the_server_is_told(
    found: Mapping[str, Collection], twin: Twin
) -> None:
    """A host that a client or its proxy names does not get into what others are told."""
    app = FastAPI(openapi_url=None)
    app.state.url = "https://twin.jena.de"
    app.include_router(catalogue.router(twin.district, lambda: found))
    with serving(app) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOBEDA_TRUST_PROXY", "1")
        spoofed = {"X-Forwarded-Host": "evil.example", "Host": "evil.example"}
        told = httpx.get(f"{address}/api/catalogue?draft=true", headers=spoofed).text
    assert "evil" not in told and "https://twin.jena.de/api/ogc" in told


def test_what_is_asked_wrongly(root: str) -> None:
    assert httpx.get(f"{root}/api/catalogue.csv").status_code == 404
    assert httpx.get(f"{root}/api/catalogue", headers={"Accept": "image/png"}).status_code == 406
    assert httpx.get(f"{root}/api/catalogue?x=1").status_code == 400


def violations(graph: Graph, folder: Path) -> str:
    """What GovData's shapes call a violation; empty: nothing."""
    shapes = Graph()
    for name in ("dcat-ap-SHACL-DE.ttl", "dcat-ap-spec-german-additions.ttl", "dcat-ap-de-deprecated.ttl"):
        shapes.parse(folder / name)
    _, report, text = validate(graph, shacl_graph=shapes, advanced=True)
    return text if set(report[: SH.resultSeverity : SH.Violation]) else ""


def test_shapes_of_govdata_find_no_violation(root: str, shared_data: Path) -> None:
    folder = shared_data / "standards" / "dcat-ap-de"
    graph = Graph().parse(data=httpx.get(f"{root}/api/catalogue").text, format="turtle")
    assert violations(graph, folder) == ""
    graph.remove((None, DCTERMS.license, None))
    assert "dcterms:license" in violations(graph, folder)


def test_without_settings_it_is_a_draft_that_says_so(twin: Twin, found: Mapping[str, Collection]) -> None:
    app = FastAPI(openapi_url=None)
    app.include_router(catalogue.router(twin.district, lambda: found))
    with serving(app) as address:
        refused = httpx.get(f"{address}/api/catalogue")
        assert (
            refused.status_code == 404 and "LOBEDA_CATALOGUE_CONTRIBUTOR_ID" in refused.json()["description"]
        )
        draft = Graph().parse(data=httpx.get(f"{address}/api/catalogue?draft=true").text, format="turtle")
    assert any("draft" in str(said) for _, said in draft[: RDFS.comment :])
    assert not set(draft[: DCTERMS.publisher :]) and not set(draft[: DCATDE.contributorID :])


@pytest.mark.parametrize(
    ("name", "value"),
    [("CONTRIBUTOR_ID", "http://dcat-ap.de/def/contributors/placeholder"), ("CONTRIBUTOR_ID", "Jena"),
     ("CONTACT_EMAIL", "opendata@example.org"), ("CONTACT_EMAIL", "nobody"), ("MUNICIPALITY_KEY", "Jena")],
)  # fmt: skip
def test_placeholders_are_refused(name: str, value: str) -> None:
    with pytest.raises(CallError, match=f"LOBEDA_CATALOGUE_{name}"):
        catalogue_record.settings({f"LOBEDA_CATALOGUE_{name}": value}, {})


def test_settings_come_from_the_district_too() -> None:
    chosen = catalogue_record.settings({"LOBEDA_CATALOGUE_PUBLISHER": "A"}, {"catalogue": {"publisher": "B"}})
    assert chosen.publisher == "A"
    assert catalogue_record.settings({}, {"catalogue": {"publisher": "B"}}).publisher == "B"


def test_a_table_of_unknown_licence_is_left_out_and_named(twin: Twin) -> None:
    found = service(twin, None).found()  # its trees say nothing of their origin
    graph = catalogue_record.record("http://x", {"de": "K"}, found.values(), Settings())
    assert not any("trees" in str(one) for one in graph[: RDF.type : DCAT.Dataset])
    assert any("trees" in str(said) for _, said in graph[: RDFS.comment :])


def test_the_stricter_licence_binds() -> None:
    known = [licences.of(name) for name in ("dl-de/zero-2-0", "dl-de/by-2-0", "ODbL-1.0")]
    assert catalogue_record.binding(known) == known[2] and catalogue_record.binding(known[:2]) == known[1]
    assert catalogue_record.binding([*known, licences.of("ask the owner")]) is None
