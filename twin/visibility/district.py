"""Visibility of a district's surfaces: computed, kept by digest, and brought up to date after a change."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from twin import mesh
from twin.errors import CallError
from twin.sources.base import Progress, no_progress
from twin.visibility import samples as sampling
from twin.visibility import store
from twin.visibility.change import cells_in_sight, changed_obstacles
from twin.visibility.crowns import Crowns
from twin.visibility.directions import patches, sun_grid, turned
from twin.visibility.figures import figures
from twin.visibility.result import Visibility, scaled
from twin.visibility.samples import Samples
from twin.visibility.scene import Scene, crowns_of, origin_of, scene
from twin.visibility.trace import Caster, Sky, near_patches

if TYPE_CHECKING:
    from twin.district import District

Floats = NDArray[np.float64]
VERSION = 1
HIDDEN_TYPES = ("GroundSurface", "InteriorWallSurface")
_CHANGED_SHARE = 0.2  # of the buildings; beyond, all is computed anew
_POINT_RAYS = 8


@dataclass(frozen=True, eq=False)
class _Inputs:
    """What a visibility follows from.

    rows : rows of `district.surfaces` that are exposed, shape (surface,).
    surface_digest : of geometry, of all rows of `district.surfaces`.
    key : digest of everything.  frame : digest of all but buildings and trees.
    """

    district: District
    mesh: mesh.Mesh
    origin: Floats
    crowns: Crowns
    rows: NDArray[np.intp]
    surface_digest: NDArray[np.object_]
    key: str
    frame: str

    @property
    def ids(self) -> NDArray[np.object_]:
        return np.asarray(self.district.surfaces.index.to_numpy(object)[self.rows])


def of_district(
    district: District,
    *,
    sky_patches: int = 145,
    horizon_deg: ArrayLike = (),
    every_sun: bool = False,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Visibility:
    """What every exposed surface of the district sees, shaded by all solids, trees and the terrain.

    Surfaces are those of `district.surfaces` but ground and interior ones. What touches another building
    (or part) does not count: a surface all covered sees nothing.

    Parameters
    ----------
    sky_patches : 145 or 577.
    horizon_deg : elevation of the far horizon in equal steps of azimuth from north (`scene.horizon_of`).
    every_sun : cast rays to every position of the sun from everywhere. Without it, a position takes the
        state of the patches around it where these are all open or all hidden.
    cache : folder that keeps results; the last ones stay in memory in any case.
    progress : called with a text and the share done.
    """
    inputs = _inputs(district, sky_patches, horizon_deg, every_sun)
    if (known := store.find(inputs.key, cache)) is not None:
        return known
    frame = _scene(inputs, horizon_deg)
    samples, exposed = _samples(inputs, frame)
    found = _named(looked(frame, samples, exposed, sky_patches, every_sun, progress=progress), inputs)
    store.keep(found, cache)
    return found


def of_points(
    points: ArrayLike,
    normals: ArrayLike,
    frame: Scene,
    *,
    sky_patches: int = 145,
    suns: ArrayLike | None = None,
    per_patch: int = _POINT_RAYS,
    progress: Progress | None = None,
) -> Visibility:
    """What points see that face along unit normals, such as a grid on the ground.

    Parameters
    ----------
    points : easting, northing, height, shape (point, 3). [m]
    normals : shape (point, 3) or (3,).
    frame : the obstacles (`scene.of_district`).
    suns : directions of the sun on the map, shape (position, 3); the year's grid without it.
    per_patch : rays to each patch, up to 16.
    """
    place = np.atleast_2d(np.asarray(points, float))
    facing = np.broadcast_to(np.asarray(normals, float), place.shape)
    samples = sampling.at_points(place, facing, frame)
    exposed = np.ones(len(place), np.uint16)
    return looked(
        frame, samples, exposed, sky_patches, True, suns=suns, per_patch=per_patch, progress=progress
    )


def looked(
    frame: Scene, samples: Samples, exposed: NDArray[np.uint16], sky_patches: int, every_sun: bool, *,
    suns: ArrayLike | None = None, per_patch: int = 1, progress: Progress | None = None,
) -> Visibility:  # fmt: skip
    """What samples see of sky, ground and sun, as surfaces without names (see `of_district`, `of_points`)."""
    latitude, longitude, convergence = place_of(frame.origin)
    ways = turned(sun_grid(latitude), -convergence) if suns is None else np.asarray(suns, float)
    caster, sky = (
        Caster(frame, samples, per_patch=per_patch, progress=_staged(progress)),
        patches(sky_patches),
    )
    seen, grounds = caster.sky(sky), caster.ground()
    beam = caster.beam(ways, near_patches(ways, sky), None if every_sun else seen.state)
    found = _assembled(seen, grounds, beam, ways, samples, exposed, bool(len(frame.crowns)))
    return replace(
        found, latitude=latitude, longitude=longitude, convergence_deg=convergence, rays=caster.rays
    )


def update(
    before: Visibility,
    old: District,
    new: District,
    *,
    sky_patches: int = 145,
    horizon_deg: ArrayLike = (),
    every_sun: bool = False,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Visibility:
    """The visibility of `new`, equal to `of_district(new)`; only what changed solids and trees can shade is
    computed again: surfaces of changed buildings, and of others the patches and suns behind the change.

    Parameters
    ----------
    before : `of_district(old)` with the same options.

    Raises
    ------
    CallError : `before` is not of `old` with these options.
    """
    inputs = _inputs(new, sky_patches, horizon_deg, every_sun)
    if (known := store.find(inputs.key, cache)) is not None:
        return known
    was = _inputs(old, sky_patches, horizon_deg, every_sun)
    if before.key != was.key:
        raise CallError("the visibility is not of the old district", "visibility.update", "Compute it first")
    changes = changed_obstacles(
        (was.mesh, old.surfaces, was.surface_digest, was.crowns, was.origin),
        (inputs.mesh, new.surfaces, inputs.surface_digest, inputs.crowns, inputs.origin),
    )
    if was.frame != inputs.frame or len(changes) > max(8, _CHANGED_SHARE * len(new.buildings)):
        return of_district(
            new, sky_patches=sky_patches, horizon_deg=horizon_deg, every_sun=every_sun, cache=cache,
            progress=progress,
        )  # fmt: skip
    frame = _scene(inputs, horizon_deg)
    samples, exposed = _samples(inputs, frame)
    found = _brought_up(before, was, inputs, changes, frame, samples, exposed, every_sun, progress)
    store.keep(found, cache)
    return found


def _brought_up(
    before: Visibility, was: _Inputs, inputs: _Inputs, changes: Floats, frame: Scene, samples: Samples,
    exposed: NDArray[np.uint16], every_sun: bool, progress: Progress | None,
) -> Visibility:  # fmt: skip
    """New cells computed and put among the kept ones."""
    sky, suns = patches(before.sky_view.shape[1]), before.sun_directions
    source = _kept_rows(before, was, inputs, exposed)
    kept = source >= 0
    cells, ground_cells, sun_cells = cells_in_sight(changes, samples, sky, suns)
    for chosen in (cells, ground_cells, sun_cells):
        chosen[..., ~kept] = True
    touched = cells.any(axis=0) | ground_cells | sun_cells.any(axis=0)
    few = samples.take(touched[samples.surface])
    caster = Caster(frame, few, workers=1, progress=_staged(progress))  # too little for threads
    seen, grounds = caster.sky(sky, cells), caster.ground(ground_cells)
    state = np.where(cells, seen.state, before.state[:, source])
    near = near_patches(suns, sky)
    if not every_sun:
        turned_over = state != before.state[:, source]
        for position, around in enumerate(near):
            sun_cells[position] |= turned_over[around].any(axis=0)
    old_beam = np.broadcast_to(before.beam, (2, *before.beam.shape[1:]))[:, :, source]
    beam = caster.beam(suns, near, None if every_sun else state, np.ascontiguousarray(old_beam), sun_cells)
    part = _assembled(
        Sky(seen.seen, seen.whole, state), grounds, beam, suns, samples, exposed,
        bool(len(frame.crowns)),
    )  # fmt: skip
    seasons = len(part.sky_view)
    old_view = np.broadcast_to(before.sky_view, (2, *before.sky_view.shape[1:]))[:seasons][:, :, source]
    found = replace(
        part,
        open_view=np.where(touched, part.open_view, before.open_view[:, source]),
        sky_view=np.where(cells, part.sky_view, old_view),
        ground_view=np.where(ground_cells, part.ground_view, before.ground_view[source]),
    )
    found = replace(
        found, latitude=before.latitude, longitude=before.longitude, rays=caster.rays,
        convergence_deg=before.convergence_deg,
    )  # fmt: skip
    return _named(found, inputs)


def _inputs(district: District, sky_patches: int, horizon_deg: ArrayLike, every_sun: bool) -> _Inputs:
    patches(sky_patches)
    surfaces = district.surfaces
    triangles = mesh.of_district(district)
    origin = origin_of(triangles.vertices)
    trees = crowns_of(district, origin)
    digest = _shape_digests(surfaces.geometry.to_numpy())
    rows = np.flatnonzero(~surfaces["surface_type"].isin(HIDDEN_TYPES).to_numpy(bool))
    frame = hashlib.sha256(f"{VERSION} {sky_patches} {every_sun} {sorted(figures().items())}".encode())
    for values in (origin, np.asarray(horizon_deg, "<f8")):
        frame.update(values.tobytes())
    if (terrain := district.terrain) is not None:
        place = (*terrain.heights_m.shape, terrain.west_m, terrain.north_m, terrain.cell_m)
        frame.update(np.array(place, "<f8").tobytes())
        frame.update(np.ascontiguousarray(terrain.heights_m, "<f4").tobytes())
    total = frame.copy()
    for texts in (surfaces.index, surfaces["building_id"], surfaces["surface_type"], digest):
        total.update("\x1f".join(map(str, np.asarray(texts, object))).encode())
    for numbers in (_touching(surfaces), trees.shape, trees.evergreen):
        total.update(np.ascontiguousarray(numbers).tobytes())
    return _Inputs(district, triangles, origin, trees, rows, digest, total.hexdigest(), frame.hexdigest())


def _shape_digests(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    shapes = shapely.to_wkb(geometry, byte_order=1, output_dimension=3)
    texts = [hashlib.blake2b(shape or b"", digest_size=12).hexdigest() for shape in shapes]
    return np.array(texts, object)


def _touching(surfaces: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether surfaces touch another building or part, shape (surface,)."""
    return surfaces["party_area_m2"].fillna(0.0).to_numpy("float64") > 0


def _scene(inputs: _Inputs, horizon_deg: ArrayLike) -> Scene:
    return scene(
        inputs.mesh.vertices, inputs.mesh.faces, terrain=inputs.district.terrain, trees=inputs.crowns,
        horizon_deg=horizon_deg, origin=inputs.origin,
    )  # fmt: skip


def _samples(inputs: _Inputs, frame: Scene) -> tuple[Samples, NDArray[np.uint16]]:
    """Exposed samples, and the bits of their numbers for each surface."""
    found = sampling.on_surfaces(inputs.mesh, inputs.rows, frame, inputs.district.terrain)
    suspect = _touching(inputs.district.surfaces)[inputs.rows][found.surface]
    hidden = np.zeros(len(found.surface), bool)
    normal_of = inputs.mesh.normals[inputs.mesh.faces[:, 0]]
    hidden[suspect] = sampling.covered(found.take(suspect), frame, normal_of)
    open_ones = found.take(~hidden)
    return open_ones, open_ones.bits()


def place_of(origin: Floats) -> tuple[float, float, float]:
    """Latitude, longitude and meridian convergence of a frame's origin. [°]"""
    to_wgs84 = pyproj.Transformer.from_crs(25832, 4326, always_xy=True)
    longitude, latitude = to_wgs84.transform(origin[0], origin[1])
    if not (np.isfinite(longitude) and np.isfinite(latitude)):
        raise CallError("the surfaces lie nowhere on Earth", "visibility", "Give EPSG:25832 coordinates")
    factors = pyproj.Proj(25832).get_factors(longitude, latitude)
    return float(latitude), float(longitude), float(factors.meridian_convergence)


def _assembled(
    seen: Sky, grounds: tuple[Floats, Floats], beam: NDArray[np.uint8], suns: Floats, samples: Samples,
    exposed: NDArray[np.uint16], trees: bool,
) -> Visibility:  # fmt: skip
    """Sums over rays → view factors."""
    normal = samples.normal
    cos_tilt = np.where(np.abs(normal).sum(axis=1) > 0, np.clip(normal[:, 2], -1.0, 1.0), 1.0)
    seasons = 2 if trees else 1
    ground, whole = grounds
    down = (1 - cos_tilt) / 2
    share = np.divide(ground, whole, out=np.ones_like(ground), where=whole > 0)
    return Visibility(
        surface_id=np.arange(len(normal)).astype(object),
        tilt_deg=np.degrees(np.arccos(cos_tilt)),
        azimuth_deg=np.degrees(np.arctan2(normal[:, 0], normal[:, 1])) % 360.0,
        sky_view=scaled(seen.seen[:seasons], seen.whole, cos_tilt),
        open_view=scaled(seen.whole, seen.whole, cos_tilt),
        ground_view=np.where(exposed > 0, down * share, 0.0).astype(np.float32),
        state=seen.state,
        beam=beam[:seasons],
        sun_directions=suns,
        exposed=exposed,
    )


def _named(found: Visibility, inputs: _Inputs) -> Visibility:
    return replace(found, surface_id=inputs.ids, key=inputs.key)


def _kept_rows(
    before: Visibility, was: _Inputs, inputs: _Inputs, exposed: NDArray[np.uint16]
) -> NDArray[np.intp]:
    """Row in `before` of each surface that is the same and as exposed, or -1; shape (surface,)."""
    source = before.rows_of(inputs.ids)
    kept = np.flatnonzero(source >= 0)
    same = was.surface_digest[was.rows][source[kept]] == inputs.surface_digest[inputs.rows][kept]
    same &= before.exposed[source[kept]] == exposed[kept]
    source[kept[~same]] = -1
    return source


def _staged(progress: Progress | None) -> Progress:
    """The three stages as shares of one whole, by their usual durations."""
    stages = {"sky": (0.0, 0.4), "ground": (0.4, 0.5), "sun": (0.5, 1.0)}

    def report(text: str, share: float) -> None:
        first, last = stages[text]
        (progress or no_progress)(f"visibility: {text}", first + (last - first) * share)

    return report
