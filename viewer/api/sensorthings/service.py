"""Answers requests: which method on which resource, by whom. Knows nothing of the web framework."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sensors.errors import ObservationError, StoreError
from sensors.store import Store
from sensors.store.database import postgres_code
from viewer.api.sensorthings import arrays, checks, guards, options, patch, paths, sql
from viewer.api.sensorthings.errors import BadRequestError, NotAllowedError, StaError, UnknownError
from viewer.api.sensorthings.features import Features, MissingFeatureError
from viewer.api.sensorthings.model import ENTITIES
from viewer.api.sensorthings.options import Options
from viewer.api.sensorthings.paths import ResourcePath
from viewer.api.sensorthings.read import Place, Reader
from viewer.api.sensorthings.render import Renderer, value_of
from viewer.api.sensorthings.visible import Access
from viewer.api.sensorthings.write import Creator, new_observation, require

_REQUIREMENTS = "http://www.opengis.net/spec/iot_sensing/1.1/req"
# Requirements classes and single requirements of 18-088 that this service keeps.
CONFORMANCE = tuple(
    f"{_REQUIREMENTS}/{name}"
    for name in (
        "datamodel",
        "resource-path/resource-path-to-entities",
        "request-data",
        "create-update-delete/create-entity",
        "create-update-delete/link-to-existing-entities",
        "create-update-delete/deep-insert",
        "create-update-delete/deep-insert-status-code",
        "create-update-delete/update-entity",
        "create-update-delete/update-entity-put",
        "create-update-delete/update-entity-jsonpatch",
        "create-update-delete/delete-entity",
        "create-update-delete/historical-location-auto-creation",
        "create-update-delete/historical-location-manual-creation",
        "data-array/data-array",
    )
)
MAX_DELETED = 10_000
UNAVAILABLE = "The database is not available. Try again in a minute."


@dataclass(frozen=True)
class Request:
    """A request as the service sees it.

    path, query : escaped; the path is below the service's root.
    root : the service's address, without a slash at the end.
    """

    method: str
    path: str
    query: str
    root: str
    access: Access
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """Status, content (JSON, or text as it is) and headers."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def encoded(self) -> bytes:
        """The content as bytes."""
        if self.content is None:
            return b""
        if isinstance(self.content, str) and self.media_type != "application/json":
            return self.content.encode("utf-8", "replace")
        return json.dumps(self.content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """An answer that says what went wrong."""
    return Answer(status, {"code": status, "type": "error", "message": message}, headers or {})


class Service:
    """SensorThings over a store; safe from any thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with store.connect() as connection:
            self.dialect = sql.of(connection)
        self.features = Features(store)

    def answer(self, request: Request) -> Answer:
        """The answer to a request; errors are answers too."""
        try:
            return self._route(request)
        except StaError as error:
            return failure(error.status, error.message)
        except ObservationError as error:
            return failure(400, error.told("en"))
        except StoreError:
            return failure(503, UNAVAILABLE, {"Retry-After": "5"})

    def _route(self, request: Request) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            raise NotAllowedError(f"{method} is not supported")
        if method != "GET" and not request.access.write:
            return failure(401, "Writing needs a token", {"WWW-Authenticate": 'Bearer realm="sensorthings"'})
        plain = request.path.strip("/")
        if not plain:
            return self._root(request, method)
        if plain == "CreateObservations":
            return self._create_observations(request, method)
        path = paths.parse(plain)
        handlers: dict[str, Callable[[Request, ResourcePath], Answer]] = {
            "GET": self._get,
            "POST": self._post,
            "PATCH": self._patch,
            "PUT": self._patch,
            "DELETE": self._delete,
        }
        return handlers[method](request, path)

    @contextmanager
    def _reader(self, request: Request) -> Iterator[Reader]:
        with self.store.connect() as connection:
            try:
                with guards.limited(connection):
                    yield self._reading(connection, request.access, Renderer(request.root))
            except DBAPIError as error:
                reason = guards.blame(error, postgres_code(error))
                if reason is None:
                    raise
                raise BadRequestError(reason) from None

    def _reading(self, connection: sa.Connection, access: Access, renderer: Renderer) -> Reader:
        return Reader(connection, self.dialect, access, renderer, self.features)

    def _root(self, request: Request, method: str) -> Answer:
        if method != "GET":
            raise NotAllowedError("the root can only be read")
        sets = [{"name": name, "url": f"{request.root}/{name}"} for name in ENTITIES]
        return Answer(content={"value": sets, "serverSettings": {"conformance": list(CONFORMANCE)}})

    # Reading
    def _get(self, request: Request, path: ResourcePath) -> Answer:
        try:
            return self._shown(request, path)
        except MissingFeatureError as missing:
            # Feeds name no features; they are made when somebody first asks for them.
            with self.store.transaction() as connection:
                for datastream_id in sorted(missing.datastream_ids):
                    self.features.of(connection, datastream_id, "")
        return self._shown(request, path)

    def _shown(self, request: Request, path: ResourcePath) -> Answer:
        wanted = options.parse(request.query, path.entity)
        with self._reader(request) as reader:
            place = reader.place(path)
            if path.count:
                return Answer(
                    content=str(reader.count(place, wanted)), media_type="text/plain; charset=utf-8"
                )
            if place.identifier is None:
                return self._set(reader, path, place, wanted)
            if path.ref:
                return Answer(
                    content={"@iot.selfLink": reader.renderer.self_link(place.entity, place.identifier)}
                )
            row = reader.row(place.entity, place.identifier)
            if path.is_id:
                return _value(path, row["id"])
            if path.prop is not None:
                return _value(path, _inside(value_of(path.prop, row), path))
            return Answer(content=reader.entities(place.entity, [row], wanted)[0])

    def _set(self, reader: Reader, path: ResourcePath, place: Place, wanted: Options) -> Answer:
        if path.ref:
            page = reader.page(place, wanted)
            links = [
                {"@iot.selfLink": reader.renderer.self_link(place.entity, row["id"])} for row in page.rows
            ]
            answer: dict[str, Any] = {} if page.count is None else {"@iot.count": page.count}
            if page.next is not None:
                answer["@iot.nextLink"] = f"{place.address}/$ref?{page.next}"
            return Answer(content={**answer, "value": links})
        if wanted.data_array:
            if place.entity.plural != "Observations":
                raise BadRequestError("$resultFormat=dataArray is of Observations only")
            return Answer(content=arrays.shown(reader.renderer, place, reader.page(place, wanted), wanted))
        return Answer(content=reader.collection(place, wanted))

    # Creating
    def _post(self, request: Request, path: ResourcePath) -> Answer:
        if path.single or path.ref or path.count or path.prop is not None:
            raise NotAllowedError("POST goes to a set of entities")
        body = checks.parse_object(request.body)
        with self._reader(request) as reader:
            place = reader.place(path)
        renderer = Renderer(request.root)
        if place.entity.plural == "Observations":
            identifier = self._post_observation(place, body)
            link = renderer.self_link(place.entity, identifier)
            return Answer(201, {"@iot.id": identifier, "@iot.selfLink": link}, {"Location": link})
        with self.store.transaction() as connection:
            creator = Creator(self.store, self.features, connection)
            identifier = creator.create(place.entity, body, place.parent)
            reader = self._reading(connection, Access(read_all=True), renderer)
            row = reader.row(place.entity, identifier)
        shown = renderer.entity(place.entity, row, None)
        return Answer(201, shown, {"Location": renderer.self_link(place.entity, identifier)})

    def _post_observation(self, place: Place, body: dict[str, Any]) -> int:
        """One observation; where all that it names is there already, many are committed together."""
        checked = checks.check(place.entity, body, partial=False, where="Observation")
        given = {} if place.parent is None else {place.parent[0].column: place.parent[1]}
        links = {name: items[0] for name, items in checked.links.items()}
        ids: dict[str, int | None] = {
            "datastream_id": given.get(
                "datastream_id", links["Datastream"].identifier if "Datastream" in links else None
            ),
            "feature_id": given.get(
                "feature_id", links["FeatureOfInterest"].identifier if "FeatureOfInterest" in links else None
            ),
        }
        inline = any(link.body is not None for link in links.values())
        if ids["datastream_id"] is not None and not inline:
            with self.store.connect() as connection:
                require(connection, ENTITIES["Datastreams"], ids["datastream_id"], "Observation.Datastream")
                if ids["feature_id"] is None:
                    ids["feature_id"] = self.features.known(connection, ids["datastream_id"])
                else:
                    feature = ENTITIES["FeaturesOfInterest"]
                    require(connection, feature, ids["feature_id"], "Observation.FeatureOfInterest")
            if ids["feature_id"] is not None and self.features.is_covered(
                ids["datastream_id"], ids["feature_id"]
            ):
                new = new_observation(checked, ids["datastream_id"], ids["feature_id"])
                return self.store.append([new])[0].id
        with self.store.transaction() as connection:
            return Creator(self.store, self.features, connection).create(place.entity, body, place.parent)

    def _create_observations(self, request: Request, method: str) -> Answer:
        if method != "POST":
            raise NotAllowedError("CreateObservations takes POST only")
        body = checks.parse(request.body)
        return Answer(201, arrays.create(self.store, self.features, Renderer(request.root), body))

    # Changing and deleting
    def _patch(self, request: Request, path: ResourcePath) -> Answer:
        if not path.single or path.ref or path.prop is not None or path.is_id:
            raise NotAllowedError(f"{request.method} goes to one entity")
        with self._reader(request) as reader:
            place = reader.place(path)
        assert place.identifier is not None
        renderer = Renderer(request.root)
        with self.store.transaction() as connection:
            reader = self._reading(connection, request.access, renderer)
            row = reader.row(place.entity, place.identifier)
            if request.method == "PATCH" and "json-patch" in request.content_type:
                body = patch.patched(place.entity, row, checks.parse(request.body))
            else:
                body = checks.parse_object(request.body)
            whole = request.method == "PUT"
            patch.update(self.store, connection, place.entity, row, body, whole=whole)
            row = reader.row(place.entity, place.identifier)
        return Answer(200, renderer.entity(place.entity, row, None))

    def _delete(self, request: Request, path: ResourcePath) -> Answer:
        if path.ref or path.prop is not None or path.is_id or path.count:
            raise NotAllowedError("DELETE goes to entities")
        wanted = options.parse(request.query, path.entity)
        if not path.single and wanted.filter is None:
            raise NotAllowedError("DELETE goes to one entity, or to a set with $filter")
        with self._reader(request) as reader:
            place = reader.place(path)
            if place.identifier is not None:
                identifiers = [place.identifier]
            else:
                identifiers = reader.identifiers(place, wanted, MAX_DELETED + 1)
                if len(identifiers) > MAX_DELETED:
                    raise BadRequestError(f"$filter takes more than {MAX_DELETED} entities to delete at once")
        with self.store.transaction() as connection:
            if place.entity.plural == "Observations":
                self.store.remove(identifiers, connection=connection)
            else:
                for identifier in identifiers:
                    self.store.delete(connection, place.entity.plural, identifier)
        return Answer(200)


def _inside(value: Any, path: ResourcePath) -> Any:
    """What is at the keys inside of a JSON property.

    Raises
    ------
    UnknownError : nothing is.
    """
    for key in path.inside:
        known = isinstance(value, dict) and key in value
        listed = isinstance(value, list) and isinstance(key, int) and key < len(value)
        if not known and not listed:
            raise UnknownError(
                f"there is no {path.label[:60]!r} inside of {path.prop.name if path.prop else ''}"
            )
        value = value[key]
    return value


def _value(path: ResourcePath, value: Any) -> Answer:
    if value is None:
        return Answer(204)
    if not path.value:
        return Answer(content={path.label: value})
    if isinstance(value, dict | list):
        return Answer(content=value)
    text = value if isinstance(value, str) else json.dumps(value)
    return Answer(content=text, media_type="text/plain; charset=utf-8")
