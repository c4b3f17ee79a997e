"""The data array extension (18-088, clause 12): many observations in a table, both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sensors.errors import ObservationError
from sensors.store import Store
from sensors.things import NewObservation
from viewer.api.sensorthings.checks import check
from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.features import Features
from viewer.api.sensorthings.model import ENTITIES
from viewer.api.sensorthings.options import Options
from viewer.api.sensorthings.read import Page, Place
from viewer.api.sensorthings.render import Renderer, value_of
from viewer.api.sensorthings.write import new_observation, require

MAX_ROWS = 200_000
_ENTITY = ENTITIES["Observations"]
_FEATURE = ("FeatureOfInterest/id", "FeatureOfInterest/@iot.id")


def shown(renderer: Renderer, place: Place, page: Page, options: Options) -> dict[str, Any]:
    """A page of observations, one table for each datastream."""
    chosen = options.select or ("id", *_ENTITY.properties)
    names = [name for name in chosen if name == "id" or name in _ENTITY.properties]
    tables: dict[int, list[list[Any]]] = {}
    for row in page.rows:
        cells = [row["id"] if name == "id" else value_of(_ENTITY.properties[name], row) for name in names]
        tables.setdefault(row["datastream_id"], []).append(cells)
    answer: dict[str, Any] = {}
    if page.count is not None:
        answer["@iot.count"] = page.count
    if page.next is not None:
        answer["@iot.nextLink"] = f"{place.address}?{page.next}"
    answer["value"] = [
        {
            "Datastream@iot.navigationLink": renderer.self_link(ENTITIES["Datastreams"], datastream_id),
            "components": names,
            "dataArray@iot.count": len(cells),
            "dataArray": cells,
        }
        for datastream_id, cells in tables.items()
    ]
    return answer


@dataclass
class _Result:
    """What became of a row: the observation to store, or why it was refused."""

    new: NewObservation | None = None
    error: str = ""


def create(store: Store, features: Features, renderer: Renderer, body: Any) -> list[str]:
    """Store the observations of a CreateObservations request; for each row its link, or "error" and why.

    Raises
    ------
    BadRequestError : the body is no list of data arrays.
    StoreError : the database is gone or full; nothing was stored.
    """
    if not isinstance(body, list) or not all(isinstance(part, dict) for part in body):
        raise BadRequestError("the body is not a list of data arrays")
    parts = [_part(part, f"data array {i + 1}") for i, part in enumerate(body)]
    if sum(len(rows) for _, _, rows in parts) > MAX_ROWS:
        raise BadRequestError(f"more than {MAX_ROWS} observations at once")
    results: list[_Result] = []
    with store.connect() as connection:
        missing = _missing_features(connection, features, parts)
    if missing:
        with store.transaction() as connection:
            for datastream_id in missing:
                _try_feature(features, connection, datastream_id)
    with store.connect() as connection:
        for datastream_id, components, rows in parts:
            results += _results(connection, features, datastream_id, components, rows)
    new = [result.new for result in results if result.new is not None]
    _cover(store, features, new)
    stored = iter(_stored(store, new, results))
    links = (None if result.new is None else renderer.self_link(_ENTITY, next(stored)) for result in results)
    return [link if link is not None else f"error: {r.error}" for link, r in zip(links, results, strict=True)]


def _stored(store: Store, new: list[NewObservation], results: list[_Result]) -> list[int]:
    try:
        return [stored.id for stored in store.append(new)] if new else []
    except ObservationError:
        pass
    # One of them is at fault: each alone, so that the others get in.
    ids = []
    for result in results:
        if result.new is not None:
            try:
                ids.append(store.append([result.new])[0].id)
            except ObservationError as error:
                result.new, result.error = None, error.told("en")
    return ids


def _part(part: Mapping[str, Any], where: str) -> tuple[int, list[str], Sequence[Any]]:
    link = part.get("Datastream")
    identifier = link.get("@iot.id") if isinstance(link, dict) else None
    if isinstance(identifier, bool) or not isinstance(identifier, int) or not 0 <= identifier < 2**63:
        raise BadRequestError("it names no Datastream by @iot.id", where)
    components, rows = part.get("components"), part.get("dataArray")
    if not isinstance(components, list) or not all(isinstance(name, str) for name in components):
        raise BadRequestError("components is not a list of names", where)
    for name in components:
        if name not in _ENTITY.properties and name not in _FEATURE:
            raise BadRequestError(f"an Observation has no component {name[:40]!r}", where)
    if len(set(components)) < len(components) or "result" not in components:
        raise BadRequestError("components lacks result, or names one twice", where)
    if not isinstance(rows, list):
        raise BadRequestError("dataArray is not a list", where)
    return identifier, components, rows


def _missing_features(connection: sa.Connection, features: Features, parts: Any) -> list[int]:
    """Datastreams whose feature is still to be made of their thing's location."""
    wanted = {i for i, components, rows in parts if rows and not set(components) & set(_FEATURE)}
    return [i for i in sorted(wanted) if features.known(connection, i) is None]


def _try_feature(features: Features, connection: sa.Connection, datastream_id: int) -> None:
    try:
        features.of(connection, datastream_id, "")
    except BadRequestError:
        return  # said for each row


def _results(
    connection: sa.Connection,
    features: Features,
    datastream_id: int,
    components: list[str],
    rows: Sequence[Any],
) -> list[_Result]:
    try:
        require(connection, ENTITIES["Datastreams"], datastream_id, "Datastream")
    except BadRequestError as error:
        return [_Result(error=error.message) for _ in rows]
    given = next((components.index(name) for name in _FEATURE if name in components), None)
    default = features.known(connection, datastream_id) if given is None else None
    known: dict[int, bool] = {}
    results = []
    for row in rows:
        try:
            feature = default if given is None else _feature(connection, row, given, components, known)
            if feature is None:
                raise BadRequestError("the Thing has no Location in GeoJSON to make a FeatureOfInterest of")
            results.append(_Result(_observation(datastream_id, feature, components, row)))
        except BadRequestError as error:
            results.append(_Result(error=error.message))
    return results


def _feature(
    connection: sa.Connection, row: Any, index: int, components: list[str], known: dict[int, bool]
) -> int:
    value = row[index] if isinstance(row, list) and len(row) == len(components) else None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise BadRequestError(f"{str(value)[:40]!r} is no id of a FeatureOfInterest")
    if value not in known:
        try:
            require(connection, ENTITIES["FeaturesOfInterest"], value, "FeatureOfInterest")
            known[value] = True
        except BadRequestError:
            known[value] = False
    if not known[value]:
        raise BadRequestError(f"there is no FeaturesOfInterest({value})")
    return value


def _observation(datastream_id: int, feature: int, components: list[str], row: Any) -> NewObservation:
    if not isinstance(row, list) or len(row) != len(components):
        raise BadRequestError(f"the row has not {len(components)} values")
    body = {n: v for n, v in zip(components, row, strict=True) if n not in _FEATURE}
    return new_observation(check(_ENTITY, body, partial=False, where="row"), datastream_id, feature)


def _cover(store: Store, features: Features, new: list[NewObservation]) -> None:
    pairs = {(one.datastream_id, one.feature_id) for one in new if one.feature_id is not None}
    fresh = [pair for pair in pairs if not features.is_covered(*pair)]
    if fresh:
        with store.transaction() as connection:
            for datastream_id, feature_id in fresh:
                features.cover(connection, datastream_id, feature_id)
