"""The district's tables as a DCAT-AP.de 3.0 record, in one graph of catalogue, datasets and services.

Nothing in it is invented: who publishes, whom to ask and the contributor's id come from the settings,
licences from provenance. A dataset whose licence no list knows is left out and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from urllib.parse import quote

from rdflib import DCAT, DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef

from twin.errors import CallError
from twin.sources.base import Provenance
from viewer import content, texts
from viewer.api import licences
from viewer.api.licences import Licence
from viewer.api.ogc.collections import Collection
from viewer.api.ogc.query import MAX_LIMIT

DCATDE = Namespace("http://dcat-ap.de/def/dcatde/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
_EU = Namespace("http://publications.europa.eu/resource/authority/")
_GEO = Namespace("http://www.opengis.net/ont/geosparql#")
_MEDIA = "https://www.iana.org/assignments/media-types/"
_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
_SENSORTHINGS = "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel"
_THEMES = {
    "buildings": "REGI", "parts": "REGI", "blocks": "REGI", "places": "REGI", "streets": "TRAN",
    "trees": "ENVI", "hazard_areas": "ENVI", "modelled_values": "ENER", "sensors": "TECH",
}  # fmt: skip
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """What only the publishing town knows.

    contributor_id : URI of the contributor, as GovData gave it.
    publisher, publisher_uri : who is responsible.
    contact, contact_email : whom to ask.
    municipality_key : eight digits (AGS); empty: the place is not said by key.
    """

    contributor_id: str = ""
    publisher: str = ""
    publisher_uri: str = ""
    contact: str = ""
    contact_email: str = ""
    municipality_key: str = ""

    REQUIRED = ("contributor_id", "publisher", "contact_email")

    @property
    def missing(self) -> list[str]:
        """Required settings that nobody has given."""
        return [name for name in self.REQUIRED if not getattr(self, name)]


def variable(setting: str) -> str:
    """The environment's name of a setting."""
    return f"LOBEDA_CATALOGUE_{setting.upper()}"


def settings(environment: Mapping[str, str], metadata: Mapping[str, object]) -> Settings:
    """From the environment, else from the district's metadata (``"catalogue": {…}``).

    Raises
    ------
    CallError : a value is no value, or stands for one that is still to come.
    """
    given = metadata.get("catalogue")
    known = given if isinstance(given, Mapping) else {}
    names = [field.name for field in fields(Settings)]
    found = {name: str(environment.get(variable(name)) or known.get(name) or "").strip() for name in names}
    rules = {
        "publisher": (r".+", "who publishes"),
        "contact": (r".+", "whom to ask"),
        "contributor_id": (r"(https?://|urn:)\S+", "the URI that GovData gave"),
        "publisher_uri": (r"https?://\S+", "an address with https://"),
        "contact_email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an address such as opendata@town.de"),
        "municipality_key": (r"\d{8}", "the eight digits of the municipality (AGS)"),
    }
    for name, (pattern, meant) in rules.items():
        value = found[name]
        if value and (not re.fullmatch(pattern, value) or content.stands_for_later(value)):
            raise CallError(f"{value!r} is none", variable(name), f"Give {meant}, or leave it out")
    return Settings(**found)


def record(
    root: str,
    title: Mapping[str, str],
    found: Iterable[Collection],
    chosen: Settings,
    *,
    sensors: bool = False,
    files: Mapping[str, Offered] = MappingProxyType({}),
) -> Graph:
    """The graph; `root` is the server's address, `title` the district's by language.

    sensors : whether sensor data is served at ``/api/sensorthings/v1.1``.
    files : what is served below ``/api/files``, by name; it is listed with the buildings.
    """
    graph = Graph()
    for prefix, space in (("dcatde", DCATDE), ("vcard", VCARD), ("geo", _GEO)):
        graph.bind(prefix, space)
    catalogue = URIRef(f"{root}/api/catalogue#catalogue")
    agents = _agents(graph, root, chosen)
    graph.add((catalogue, RDF.type, DCAT.Catalog))
    for code, name in title.items():
        graph.add((catalogue, DCTERMS.title, Literal(name, lang=code)))
        graph.add((catalogue, DCTERMS.description, Literal(texts.text(code, "api.catalogue"), lang=code)))
    _typed(graph, catalogue, DCTERMS.language, _EU["language/DEU"], DCTERMS.LinguisticSystem)
    _typed(graph, catalogue, DCAT.themeTaxonomy, _EU["data-theme"], SKOS.ConceptScheme)
    graph.add((_EU["data-theme"], DCTERMS.title, Literal("Data theme", lang="en")))
    _typed(graph, catalogue, FOAF.homepage, URIRef(f"{root}/"), FOAF.Document)
    _publish(graph, catalogue, agents)
    if chosen.missing:
        said = f"draft, not for harvesting; not given: {', '.join(map(variable, chosen.missing))}"
        graph.add((catalogue, RDFS.comment, Literal(said, lang="en")))
    features = _service(graph, catalogue, f"{root}/api/ogc", "api.title", _FEATURES, agents)
    graph.add((features, DCAT.endpointDescription, URIRef(f"{root}/api/ogc/api")))
    things = None
    if sensors:
        address = f"{root}/api/sensorthings/v1.1"
        things = _service(graph, catalogue, address, "api.sensorthings", _SENSORTHINGS, agents)
    left_out = []
    for one in found:
        licence = binding(licences.of_all(one.provenance))
        if licence is None:
            left_out.append(one.id)
            continue
        dataset = _dataset(graph, root, one, agents, chosen)
        graph.add((catalogue, DCAT.dataset, dataset))
        graph.add((features, DCAT.servesDataset, dataset))
        _distribution(graph, root, one, dataset, licence, features)
        for name, file in (files if one.id == "buildings" else {}).items():
            bound = binding(licences.of_all(file.provenance))
            if bound is None:
                left_out.append(name)
            else:
                _file(graph, f"{root}/api/files/{name}", file, one, dataset, bound)
        if things is not None and one.id == "sensors":
            graph.add((things, DCAT.servesDataset, dataset))
    if left_out:
        said = f"left out, as no licence of DCAT-AP.de's list is known: {', '.join(left_out)}"
        graph.add((catalogue, RDFS.comment, Literal(said, lang="en")))
    return graph


def binding(known: Iterable[Licence]) -> Licence | None:
    """The licence that binds what comes from several sources: share-alike before naming before none.

    None : one of them is unknown.
    """
    listed = list(known)
    if not listed or not all(one.dcat for one in listed):
        return None
    return max(listed, key=lambda one: (2 if one.alike else 1 if one.by else 0, one.dcat))


@dataclass(frozen=True)
class Offered:
    """A file of the whole district below ``/api/files``.

    code : in the EU's list of file types.
    provenance : of all that is in it.
    """

    title: str
    media_type: str
    code: str
    provenance: tuple[Provenance, ...]


@dataclass(frozen=True)
class _Agents:
    publisher: URIRef | None
    contact: URIRef | None


def _agents(graph: Graph, root: str, chosen: Settings) -> _Agents:
    publisher = contact = None
    if chosen.publisher:
        publisher = URIRef(f"{root}/api/catalogue#publisher")
        graph.add((publisher, RDF.type, FOAF.Agent))
        graph.add((publisher, FOAF.name, Literal(chosen.publisher, lang="de")))
        if chosen.publisher_uri:
            graph.add((publisher, FOAF.homepage, URIRef(chosen.publisher_uri)))
            graph.add((URIRef(chosen.publisher_uri), RDF.type, FOAF.Document))
    if chosen.contact_email:
        contact = URIRef(f"{root}/api/catalogue#contact")
        graph.add((contact, RDF.type, VCARD.Kind))
        graph.add((contact, VCARD.fn, Literal(chosen.contact or chosen.publisher or chosen.contact_email)))
        graph.add((contact, VCARD.hasEmail, URIRef(f"mailto:{quote(chosen.contact_email, safe='@+.-_')}")))
    return _Agents(publisher, contact)


def _publish(graph: Graph, subject: URIRef, agents: _Agents, *, contact: bool = False) -> None:
    if agents.publisher is not None:
        graph.add((subject, DCTERMS.publisher, agents.publisher))
    if contact and agents.contact is not None:
        graph.add((subject, DCAT.contactPoint, agents.contact))


def _service(
    graph: Graph, catalogue: URIRef, address: str, title: str, standard: str, agents: _Agents
) -> URIRef:
    service = URIRef(f"{address}#service")
    graph.add((catalogue, DCAT.service, service))
    graph.add((service, RDF.type, DCAT.DataService))
    graph.add((service, DCAT.endpointURL, URIRef(address)))
    _typed(graph, service, DCTERMS.conformsTo, URIRef(standard), DCTERMS.Standard)
    _typed(graph, service, DCTERMS.accessRights, _EU["access-right/PUBLIC"], DCTERMS.RightsStatement)
    for code in texts.languages():
        graph.add((service, DCTERMS.title, Literal(texts.text(code, title), lang=code)))
    _publish(graph, service, agents, contact=True)
    return service


def _dataset(graph: Graph, root: str, one: Collection, agents: _Agents, chosen: Settings) -> URIRef:
    dataset = URIRef(f"{root}/api/ogc/collections/{quote(one.id)}#dataset")
    graph.add((dataset, RDF.type, DCAT.Dataset))
    graph.add((dataset, DCTERMS.identifier, Literal(str(dataset))))
    for code in texts.languages():
        graph.add((dataset, DCTERMS.title, Literal(one.title(code), lang=code)))
        graph.add((dataset, DCTERMS.description, Literal(one.description(code), lang=code)))
        graph.add((dataset, DCAT.keyword, Literal(one.title(code), lang=code)))
    _typed(graph, dataset, DCAT.theme, _EU[f"data-theme/{_THEMES[one.id]}"], SKOS.Concept)
    _typed(graph, dataset, DCTERMS.language, _EU["language/DEU"], DCTERMS.LinguisticSystem)
    _typed(graph, dataset, DCTERMS.accessRights, _EU["access-right/PUBLIC"], DCTERMS.RightsStatement)
    _publish(graph, dataset, agents, contact=True)
    if chosen.contributor_id:
        graph.add((dataset, DCATDE.contributorID, URIRef(chosen.contributor_id)))
    if chosen.municipality_key:
        place = f"http://dcat-ap.de/def/politicalGeocoding/municipalityKey/{chosen.municipality_key}"
        level = "http://dcat-ap.de/def/politicalGeocoding/Level/municipality"
        graph.add((dataset, DCATDE.politicalGeocodingURI, URIRef(place)))
        graph.add((dataset, DCATDE.politicalGeocodingLevelURI, URIRef(level)))
    if one.bbox is not None:
        west, south, east, north = one.bbox
        ring = f"{west} {south},{east} {south},{east} {north},{west} {north},{west} {south}"
        where = URIRef(f"{root}/api/ogc/collections/{quote(one.id)}#extent")
        _typed(graph, dataset, DCTERMS.spatial, where, DCTERMS.Location)
        graph.add((where, DCAT.bbox, Literal(f"POLYGON(({ring}))", datatype=_GEO.wktLiteral)))
    if one.first_year is not None:
        when = URIRef(f"{root}/api/ogc/collections/{quote(one.id)}#time")
        _typed(graph, dataset, DCTERMS.temporal, when, DCTERMS.PeriodOfTime)
        graph.add((when, DCAT.startDate, Literal(f"{one.first_year:04}-01-01", datatype=XSD.date)))
    _origin(graph, root, one, dataset)
    _modified(graph, dataset, one.provenance)
    return dataset


def _origin(graph: Graph, root: str, one: Collection, dataset: URIRef) -> None:
    """Where the data comes from and what was done with it."""
    for number, source in enumerate(one.provenance):
        said = "; ".join(part for part in (source.source, source.date, source.changes) if part)
        statement = URIRef(f"{root}/api/ogc/collections/{quote(one.id)}#origin{number}")
        _typed(graph, dataset, DCTERMS.provenance, statement, DCTERMS.ProvenanceStatement)
        graph.add((statement, RDFS.label, Literal(said)))


def _distribution(
    graph: Graph, root: str, one: Collection, dataset: URIRef, licence: Licence, service: URIRef
) -> None:
    here = f"{root}/api/ogc/collections/{quote(one.id)}"
    place = URIRef(f"{here}#geojson")
    graph.add((dataset, DCAT.distribution, place))
    graph.add((place, RDF.type, DCAT.Distribution))
    for code in texts.languages():
        graph.add((place, DCTERMS.title, Literal(f"{one.title(code)} (GeoJSON, OGC API)", lang=code)))
    _typed(graph, place, DCAT.accessURL, URIRef(here), RDFS.Resource)
    if len(one.table) <= MAX_LIMIT:  # else it takes more than one page
        _typed(
            graph, place, DCAT.downloadURL, URIRef(f"{here}/items?f=json&limit={MAX_LIMIT}"), RDFS.Resource
        )
    graph.add((place, DCAT.accessService, service))
    _typed(graph, place, DCTERMS["format"], _EU["file-type/GEOJSON"], DCTERMS.MediaTypeOrExtent)
    _typed(graph, place, DCAT.mediaType, URIRef(f"{_MEDIA}application/geo+json"), DCTERMS.MediaType)
    _license(graph, place, one.provenance, licence)
    _modified(graph, place, one.provenance)


def _file(
    graph: Graph, address: str, file: Offered, one: Collection, dataset: URIRef, licence: Licence
) -> None:
    place = URIRef(f"{address}#file")
    graph.add((dataset, DCAT.distribution, place))
    graph.add((place, RDF.type, DCAT.Distribution))
    for language in texts.languages():
        graph.add((place, DCTERMS.title, Literal(f"{one.title(language)} ({file.title})", lang=language)))
    _typed(graph, place, DCAT.accessURL, URIRef(address), RDFS.Resource)
    _typed(graph, place, DCAT.downloadURL, URIRef(address), RDFS.Resource)
    _typed(graph, place, DCTERMS["format"], _EU[f"file-type/{file.code}"], DCTERMS.MediaTypeOrExtent)
    _typed(graph, place, DCAT.mediaType, URIRef(f"{_MEDIA}{file.media_type}"), DCTERMS.MediaType)
    _license(graph, place, file.provenance, licence)
    _modified(graph, place, file.provenance)


def _license(graph: Graph, place: URIRef, origin: Iterable[Provenance], licence: Licence) -> None:
    _typed(graph, place, DCTERMS.license, URIRef(licence.dcat), DCTERMS.LicenseDocument)
    if licence.by:
        graph.add((place, DCATDE.licenseAttributionByText, Literal(licences.attribution(origin))))


def _modified(graph: Graph, subject: URIRef, origin: Iterable[Provenance]) -> None:
    """The latest date that the sources give; none where they give none, or in words alone."""
    dates = [one.date for one in origin if _DATE.fullmatch(one.date)]
    if dates:
        latest = max(dates)
        kind = {4: XSD.gYear, 7: XSD.gYearMonth, 10: XSD.date}[len(latest)]
        graph.add((subject, DCTERMS.modified, Literal(latest, datatype=kind)))


def _typed(graph: Graph, subject: URIRef, predicate: URIRef, value: URIRef, kind: URIRef) -> None:
    """Add a value with its class, which DCAT-AP's shapes ask for."""
    graph.add((subject, predicate, value))
    graph.add((value, RDF.type, kind))
