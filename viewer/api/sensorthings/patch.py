"""Changing entities (18-088, clause 10.3): PATCH, PUT and JSON Patch (RFC 6902); each is a new version."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sensors.store import Store
from viewer.api.sensorthings.checks import check, check_geometry
from viewer.api.sensorthings.errors import BadRequestError
from viewer.api.sensorthings.model import ENTITIES, GEOJSON, Entity
from viewer.api.sensorthings.render import Row, value_of
from viewer.api.sensorthings.write import adopt, connect, require

MAX_OPERATIONS = 1000


def update(
    store: Store, connection: sa.Connection, entity: Entity, row: Row, body: Mapping[str, Any], *, whole: bool
) -> None:
    """Change an entity as a body says.

    Parameters
    ----------
    row : its present state.
    whole : whether properties that the body leaves out are cleared (PUT).

    Raises
    ------
    BadRequestError : the body is at fault, or holds new entities inline.
    """
    checked = check(entity, body, partial=not whole, where=entity.singular)
    columns = dict(checked.columns)
    if whole:
        columns = {**_cleared(entity, body), **columns}
    if "location" in columns or "feature" in columns:
        _check_place(row, columns, entity)
    for name, links in checked.links.items():
        relation = entity.relations[name]
        if any(link.body is not None for link in links):
            raise BadRequestError(
                f"new entities cannot be created by changing another: {name}", entity.singular
            )
        for link in links:
            assert link.identifier is not None
            require(connection, ENTITIES[relation.target], link.identifier, link.where)
        if not relation.many:
            columns[relation.column] = links[0].identifier
        elif relation.sort == "linked":
            connect(connection, entity, row["id"], relation, [link.identifier or 0 for link in links])
        else:
            for link in links:
                adopt(store, connection, relation, row["id"], link)
    _store(store, connection, entity, row, columns)


def _store(
    store: Store, connection: sa.Connection, entity: Entity, row: Row, columns: dict[str, Any]
) -> None:
    if entity.plural == "Observations":
        if columns:
            store.correct(row["id"], columns, connection=connection)
        return
    changed = {name: value for name, value in columns.items() if row[name] != value}
    if changed:
        store.update(connection, entity.plural, row["id"], changed)


def _cleared(entity: Entity, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is optional and not in the body; the time of an observation stays."""
    columns: dict[str, Any] = {}
    for prop in entity.properties.values():
        if prop.name not in body and not prop.required and not prop.automatic and prop.kind != "time":
            columns |= dict.fromkeys(prop.columns)
    return columns


def _check_place(row: Row, columns: Mapping[str, Any], entity: Entity) -> None:
    """A geometry alone is held against the encoding that stays."""
    name = "location" if "location" in columns else "feature"
    encoding = columns.get("encoding_type", row["encoding_type"])
    check_geometry(columns[name], f"{entity.singular}.{name}", is_certain=encoding in GEOJSON)


def patched(entity: Entity, row: Row, operations: Any) -> dict[str, Any]:
    """The body of a PATCH that does what a JSON Patch says.

    Raises
    ------
    BadRequestError : the patch is none, or does not fit.
    """
    if not isinstance(operations, list) or len(operations) > MAX_OPERATIONS:
        raise BadRequestError(f"a JSON Patch is a list of at most {MAX_OPERATIONS} operations")
    before = {
        prop.name: value
        for prop in entity.properties.values()
        if not prop.automatic and (value := value_of(prop, row)) is not None
    }
    after = copy.deepcopy(before)
    for index, operation in enumerate(operations):
        _apply(after, operation, f"operation {index + 1}")
    body: dict[str, Any] = {name: value for name, value in after.items() if before.get(name) != value}
    return body | {name: None for name in before if name not in after}


def _apply(document: dict[str, Any], operation: Any, where: str) -> None:
    if not isinstance(operation, dict) or not isinstance(operation.get("op"), str):
        raise BadRequestError("it is no operation of a JSON Patch", where)
    name = operation["op"]
    path = _pointer(operation.get("path"), where)
    if name in ("add", "replace", "test") and "value" not in operation:
        raise BadRequestError(f"{name} has no value", where)
    if name == "add":
        _add(document, path, operation["value"], where)
    elif name == "remove":
        _remove(document, path, where)
    elif name == "replace":
        _remove(document, path, where)
        _add(document, path, operation["value"], where)
    elif name in ("move", "copy"):
        source = _pointer(operation.get("from"), where)
        value = copy.deepcopy(_find(document, source, where))
        if name == "move":
            if path[: len(source)] == source and path != source:
                raise BadRequestError("a value cannot be moved into itself", where)
            _remove(document, source, where)
        _add(document, path, value, where)
    elif name == "test":
        if _find(document, path, where) != operation["value"]:
            raise BadRequestError("the test does not hold", where)
    else:
        raise BadRequestError(f"there is no operation {name[:20]!r}", where)


def _pointer(path: Any, where: str) -> list[str]:
    if not isinstance(path, str) or not path.startswith("/"):
        raise BadRequestError("it has no path that begins with '/'", where)
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _find(document: Any, path: list[str], where: str) -> Any:
    here = document
    for part in path:
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isascii() and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            raise BadRequestError(f"there is no /{'/'.join(path)}", where)
    return here


def _add(document: dict[str, Any], path: list[str], value: Any, where: str) -> None:
    parent = _find(document, path[:-1], where)
    last = path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and (
        last == "-" or (last.isascii() and last.isdigit() and int(last) <= len(parent))
    ):
        parent.insert(len(parent) if last == "-" else int(last), value)
    else:
        raise BadRequestError(f"nothing can be put at /{'/'.join(path)}", where)


def _remove(document: dict[str, Any], path: list[str], where: str) -> None:
    _find(document, path, where)
    parent = _find(document, path[:-1], where)
    if isinstance(parent, dict):
        del parent[path[-1]]
    else:
        del parent[int(path[-1])]
