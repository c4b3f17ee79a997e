"""Features of interest made of a thing's location, and the area that a datastream observes."""

from __future__ import annotations

import json
import threading
from typing import Any

import shapely
import sqlalchemy as sa

from sensors.store import Store, tables
from viewer.api.sensorthings.errors import BadRequestError


class MissingFeatureError(Exception):
    """Features that can be made of the places of things, but are not made yet."""

    def __init__(self, datastream_ids: set[int]) -> None:
        super().__init__(f"{len(datastream_ids)} features to make")
        self.datastream_ids = datastream_ids


class Features:
    """Remembers what was made, so that most observations cost no look-up."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._covered: set[tuple[int, int]] = set()
        self._lock = threading.Lock()

    def of(self, connection: sa.Connection, datastream_id: int, where: str) -> int:
        """The feature of a datastream's observations that name none: the place of its thing.

        Raises
        ------
        BadRequestError : the thing has no location in GeoJSON.
        """
        found = self.known(connection, datastream_id)
        return self._make(connection, datastream_id, where) if found is None else found

    def known(self, connection: sa.Connection, datastream_id: int) -> int | None:
        """That feature, if it is made already."""
        try:
            return self.default(connection, datastream_id)
        except MissingFeatureError:
            return None

    def default(self, connection: sa.Connection, datastream_id: int) -> int | None:
        """That feature; None: the thing has no place.

        Raises
        ------
        MissingFeatureError : it is not made yet.
        """
        location = self._location(connection, datastream_id)
        if location is None:
            return None
        features = tables.features_of_interest
        query = (
            sa.select(features.c.id, features.c.feature)
            .where(features.c.location_id == location["id"], sa.not_(features.c.deleted))
            .order_by(features.c.id.desc())
        )
        # A location that was corrected gets a further feature: what was observed before stays where it was.
        for identifier, feature in connection.execute(query):
            if feature == location["location"]:
                return int(identifier)
        raise MissingFeatureError({datastream_id})

    def _make(self, connection: sa.Connection, datastream_id: int, where: str) -> int:
        location = self._location(connection, datastream_id)
        if location is None:
            raise BadRequestError(
                "there is no FeatureOfInterest, and the Thing has no Location in GeoJSON to make one of",
                where,
            )
        return self.store.insert(
            connection,
            "FeaturesOfInterest",
            {
                "name": location["name"],
                "description": location["description"],
                "encoding_type": location["encoding_type"],
                "feature": location["location"],
                "location_id": location["id"],
            },
        )

    def _location(self, connection: sa.Connection, datastream_id: int) -> Any:
        datastreams, link, locations = tables.datastreams, tables.thing_locations, tables.locations
        query = (
            sa.select(locations)
            .join(link, link.c.location_id == locations.c.id)
            .join(datastreams, datastreams.c.thing_id == link.c.thing_id)
            .where(datastreams.c.id == datastream_id, sa.not_(locations.c.deleted))
            .order_by(locations.c.id.desc())
        )
        # By its content: clients and OGC's own suite name GeoJSON by encodings of their own.
        found = connection.execute(query).mappings()
        return next((row for row in found if _geometry(row["location"]) is not None), None)

    def is_covered(self, datastream_id: int, feature_id: int) -> bool:
        """Whether the datastream's area is known to hold the feature."""
        return (datastream_id, feature_id) in self._covered

    def cover(self, connection: sa.Connection, datastream_id: int, feature_id: int) -> None:
        """Let a datastream's `observedArea` hold a feature; it is kept by the service, without versions."""
        features, datastreams = tables.features_of_interest, tables.datastreams
        feature = connection.execute(
            sa.select(features.c.feature).where(features.c.id == feature_id)
        ).scalar()
        area = connection.execute(
            sa.select(datastreams.c.observed_area).where(datastreams.c.id == datastream_id)
        ).scalar()
        wider = _hull(area, feature)
        if wider is not None and wider != area:
            connection.execute(
                datastreams.update().where(datastreams.c.id == datastream_id).values(observed_area=wider)
            )
        with self._lock:
            if len(self._covered) > 100_000:
                self._covered.clear()
            self._covered.add((datastream_id, feature_id))


def _geometry(value: Any) -> Any:
    """The geometry of a GeoJSON geometry or feature; None: it is none, or an empty one."""
    if not isinstance(value, dict):
        return None
    geometry = shapely.from_geojson(json.dumps(value), on_invalid="ignore")
    return None if geometry is None or geometry.is_empty else geometry


def _hull(area: Any, feature: Any) -> Any:
    """The convex hull of an area and a further feature, as GeoJSON; None: neither is a geometry."""
    known = [geometry for g in (area, feature) if (geometry := _geometry(g)) is not None]
    if not known:
        return None
    hull = shapely.union_all([shapely.convex_hull(geometry) for geometry in known])
    return json.loads(shapely.to_geojson(shapely.convex_hull(hull)))
