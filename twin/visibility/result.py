"""What surfaces see: shares of each patch of the sky, of the ground, and of the sun where it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from twin.errors import CallError
from twin.visibility.directions import normals, patches

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
LIT = 255


@dataclass(frozen=True, eq=False)
class Visibility:
    """What surfaces (or points) see, means over each one's exposed area.

    Seasons: row 0 is leafless, row 1 in leaf; only one row where there are no trees.

    surface_id : names, shape (surface,).
    tilt_deg, azimuth_deg : of the outward normal, on the map, shape (surface,).
    sky_view : share of the light of a uniform sky that arrives from each patch, in terms of what an open
        level plane gets of the whole sky; shape (season, patch, surface), float32. [-]
    open_view : the same without any obstacle, shape (patch, surface); sums to (1 + cos tilt) / 2. [-]
    ground_view : share that the visible ground takes of the light of uniform surroundings, shape (surface,);
        unobstructed (1 - cos tilt) / 2. [-]
    state : of each patch: 0 not in front, 1 open, 2 hidden, 3 in part; and 4 where crowns dim it; shape
        (patch, surface), uint8.
    beam : lit share of the surface in 255ths for each position of the sun, shape (season, position, surface).
    sun_directions : positions of the sun (map's east, north, up), shape (position, 3). [-]
    exposed : bits of the samples that do not touch another solid, shape (surface,).
    convergence_deg : azimuth on the map of geographic north, negated: map azimuth = true azimuth - this. [°]
    latitude, longitude : of the place. [°]
    rays : cast to get it.
    key : digest of what it was computed from; empty where it is no district's.
    """

    surface_id: NDArray[np.object_]
    tilt_deg: Floats
    azimuth_deg: Floats
    sky_view: Singles
    open_view: Singles
    ground_view: Singles
    state: NDArray[np.uint8]
    beam: NDArray[np.uint8]
    sun_directions: Floats
    exposed: NDArray[np.uint16]
    convergence_deg: float = 0.0
    latitude: float = 0.0
    longitude: float = 0.0
    rays: int = 0
    key: str = ""

    def __len__(self) -> int:
        return len(self.tilt_deg)

    @property
    def normal(self) -> Floats:
        """Outward unit normals (map's east, north, up), shape (surface, 3)."""
        return normals(self.tilt_deg, self.azimuth_deg)

    def sky_view_factor(self, leaf_share: float = 1.0) -> Floats:
        """View factor from each surface to the sky, shape (surface,): 1 for an open level plane. [-]

        leaf_share : of the trees' leaves, 0 to 1.
        """
        seasons = self.sky_view.sum(axis=1, dtype="float64")
        return np.asarray(seasons[0] + leaf_share * (seasons[-1] - seasons[0]))

    def rows_of(self, surface_ids: ArrayLike) -> NDArray[np.intp]:
        """Rows of surfaces by name; -1 for a surface that is not in it."""
        return np.asarray(self._names.get_indexer(pd.Index(np.asarray(surface_ids, object))), np.intp)

    @cached_property
    def _names(self) -> pd.Index:
        # Kept: a city asks block by block, and to hash all names each time would take longer than the light.
        return pd.Index(self.surface_id)

    def take(self, rows: ArrayLike) -> Visibility:
        """The surfaces at `rows`."""
        chosen = np.asarray(rows, np.intp)
        return replace(
            self,
            surface_id=self.surface_id[chosen],
            tilt_deg=self.tilt_deg[chosen],
            azimuth_deg=self.azimuth_deg[chosen],
            sky_view=np.ascontiguousarray(self.sky_view[:, :, chosen]),
            open_view=np.ascontiguousarray(self.open_view[:, chosen]),
            ground_view=self.ground_view[chosen],
            state=np.ascontiguousarray(self.state[:, chosen]),
            beam=np.ascontiguousarray(self.beam[:, :, chosen]),
            exposed=self.exposed[chosen],
            key="",
        )


def unobstructed(tilt_deg: ArrayLike, azimuth_deg: ArrayLike, *, sky_patches: int = 145) -> Visibility:
    """Planes that nothing shades.

    Raises
    ------
    CallError : an angle is not finite.
    """
    tilt, azimuth = (np.atleast_1d(a).astype(float) for a in np.broadcast_arrays(tilt_deg, azimuth_deg))
    azimuth = np.where(tilt == 0, np.nan_to_num(azimuth), azimuth)
    if not (np.isfinite(tilt).all() and np.isfinite(azimuth).all()):
        raise CallError("a tilt or azimuth is no number", "planes", "Give both in degrees")
    sky = patches(sky_patches)
    facing = normals(tilt, azimuth)
    seen = np.zeros((len(sky), len(tilt)))
    for way in sky.rays:
        seen += np.maximum(way @ facing.T, 0.0) * sky.solid_angle[:, None]
    view, state = scaled(seen, seen, np.cos(np.radians(tilt))), (seen > 0).astype(np.uint8)
    return Visibility(
        surface_id=np.arange(len(tilt)).astype(object),
        tilt_deg=tilt,
        azimuth_deg=azimuth,
        sky_view=view[None],
        open_view=view,
        ground_view=((1 - np.cos(np.radians(tilt))) / 2).astype(np.float32),
        state=state,
        beam=np.full((1, 1, len(tilt)), LIT, np.uint8),
        sun_directions=np.array([[0.0, 0.0, 1.0]]),
        exposed=np.ones(len(tilt), np.uint16),
    )


def scaled(seen: Floats, whole: Floats, cos_tilt: Floats) -> Singles:
    """Sums over rays → view factors, so that the whole sky in front of a plane is (1 + cos tilt) / 2.

    seen : shape (…, patch, surface).  whole : shape (patch, surface).  cos_tilt : shape (surface,).
    """
    total = whole.sum(axis=0)
    factor = np.divide((1 + cos_tilt) / 2, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(seen * factor, np.float32)
