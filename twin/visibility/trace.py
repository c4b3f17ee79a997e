"""Rays from samples to the patches of the sky, to the ground and to the positions of the sun.

All loops run over directions, so that one call of embree takes all samples that face a direction. A cell is
one patch (or position) of one surface; what a cell gets depends on that surface's samples and the scene
alone, so that some cells can be computed again and the others kept.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.compute import available_cores
from twin.sources.base import Progress, no_progress
from twin.visibility.crowns import light
from twin.visibility.directions import GROUPS, Patches, ground_directions
from twin.visibility.result import LIT
from twin.visibility.samples import Samples
from twin.visibility.scene import Scene

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_FACING = 1e-3  # least cosine of a ray that is cast
_GRAZING, _LIFTED = -0.07, 0.01  # cosines: suns up to 4° behind a plane stand for those just before it
OPEN, HIDDEN, PART = 1, 2, 3  # of solids and relief
_SOLIDS, TREES = 3, 4  # bits of the state: the three above; whether a crown dims the rest


@dataclass(frozen=True, eq=False)
class Sky:
    """Sums over rays, by patch and surface.

    seen : what arrives, weighted by cosine and solid angle, shape (season, patch, surface).
    whole : the same without obstacles, shape (patch, surface).
    state : as in `Visibility`, shape (patch, surface).
    """

    seen: Floats
    whole: Floats
    state: NDArray[np.uint8]


class Caster:
    """Casts the rays of `samples` (exposed ones only) in `scene` and counts them.

    Of the rays to a patch, a sample takes the one of its number in its surface, or `per_patch` from there on.
    """

    def __init__(
        self,
        scene: Scene,
        samples: Samples,
        *,
        per_patch: int = 1,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.scene, self.samples = scene, samples
        self._workers = workers or available_cores()
        self.rays = 0
        self.count = samples.count()
        self._report = progress or no_progress
        self._groups: list[NDArray[np.intp]] = []
        number = samples.number * per_patch
        for group in range(GROUPS):
            has = [(number + step) % GROUPS == group for step in range(min(per_patch, GROUPS))]
            self._groups.append(np.flatnonzero(np.any(has, axis=0)) if len(number) else np.zeros(0, np.intp))

    def sky(self, patches: Patches, cells: Bools | None = None) -> Sky:
        """All patches; what arrives only in `cells`, shape (patch, surface), where given."""
        surfaces = len(self.samples.normal)
        ways, solid_angle = patches.rays, patches.solid_angle
        found = Sky(
            np.zeros((2, len(patches), surfaces)),
            np.zeros((len(patches), surfaces)),
            np.zeros((len(patches), surfaces), np.uint8),
        )

        def one(patch: int) -> int:
            wanted = None if cells is None else cells[patch]
            rows, cosine, passed = self._rays(ways[:, patch], wanted)
            of = self.samples.surface[rows]
            weight = cosine * solid_angle[patch]
            found.whole[patch] = np.bincount(of, weight, surfaces)
            cast = np.bincount(of, minlength=surfaces)
            for season in range(2):
                found.seen[season, patch] = np.bincount(of, weight * passed[season], surfaces)
            hidden = np.bincount(of, passed[0] == 0.0, surfaces)
            dimmed = np.bincount(of, (passed[1] > 0.0) & (passed[1] < 1.0), surfaces)
            state = np.where(hidden == 0, OPEN, np.where(hidden == cast, HIDDEN, PART))
            found.state[patch] = np.where(cast > 0, state + TREES * (dimmed > 0), 0)
            return len(rows) if wanted is None else int(wanted[of].sum())

        self._all(one, len(patches), "sky")
        return found

    def ground(self, wanted: Bools | None = None) -> tuple[Floats, Floats]:
        """Ground that is seen and ground that could be, sums over rays by cosine; shape (surface,) each."""
        surfaces = len(self.samples.normal)
        ways = ground_directions()
        seen, whole = np.zeros((2, ways.shape[1], surfaces))

        def one(ray: int) -> int:
            total = 0
            for group, rows in enumerate(self._groups):
                rows, cosine = self._facing(rows, ways[group, ray], wanted)
                hit = self.scene.first_hit(
                    self.samples.position[rows], ways[group, ray][None].astype(np.float32)
                )
                free = (hit < 0) | (hit >= self.scene.solids)
                of = self.samples.surface[rows]
                whole[ray] += np.bincount(of, cosine, surfaces)
                seen[ray] += np.bincount(of, cosine * free, surfaces)
                total += len(rows)
            return total

        self._all(one, ways.shape[1], "ground")
        return seen.sum(axis=0), whole.sum(axis=0)

    def beam(
        self,
        suns: Floats,
        near: Bools,
        state: NDArray[np.uint8] | None,
        kept: NDArray[np.uint8] | None = None,
        cells: Bools | None = None,
    ) -> NDArray[np.uint8]:
        """Lit shares in 255ths, shape (season, position, surface).

        Parameters
        ----------
        suns : positions, shape (position, 3).
        near : patches around each position, shape (position, patch).
        state : of the patches, shape (patch, surface): where all around a position are open, or all hidden,
            the sun follows them and no ray is cast; where none holds a crown, none is looked for. None
            casts all.
        kept, cells : earlier result, and the cells, shape (position, surface), to compute again.
        """
        surfaces = len(self.samples.normal)
        result = np.zeros((2, len(suns), surfaces), np.uint8) if kept is None else kept
        normal, has = self.samples.normal, self.count > 0

        def one(position: int) -> int:
            way = suns[position]
            cosine = normal[:, 0] * way[0] + normal[:, 1] * way[1] + normal[:, 2] * way[2]
            todo = (cosine > _GRAZING) & has
            solids = trees = todo
            values = np.zeros((2, surfaces), np.uint8)
            if state is not None:
                solids, trees, hidden = _expected(state[near[position]])
                values[:, todo & ~(solids | trees | hidden)] = LIT
                todo = todo & (solids | trees)
            if cells is not None:
                todo &= cells[position]
            rows, passed = self._to_sun(way, cosine, todo, solids, trees)
            of = self.samples.surface[rows]
            for season in range(2):
                lit = np.bincount(of, passed[season], surfaces)
                share = lit[todo] / self.count[todo]
                values[season, todo] = np.rint(share * LIT)
            new = slice(None) if cells is None else cells[position]
            result[:, position, new] = values[:, new]
            return len(rows)

        self._all(one, len(suns), "sun")
        return result

    def _to_sun(
        self, way: Floats, cosine: Floats, todo: Bools, solids: Bools, trees: Bools
    ) -> tuple[NDArray[np.intp], Floats]:
        """Light that comes from the sun to the samples of the surfaces `todo`; rows and shape (season, row).

        solids, trees : surfaces where these may stand in the way.
        """
        grazing = cosine < _LIFTED
        surface = self.samples.surface
        parts: list[tuple[NDArray[np.intp], Floats]] = []
        for chosen in (todo & ~grazing, todo & grazing):
            rows = np.flatnonzero(chosen[surface])
            of, ways = surface[rows], way[None]
            if len(parts):  # the few that the sun grazes: along their planes, each its own way
                ways = way + (_LIFTED - cosine[of])[:, None] * self.samples.normal[of]
                ways /= np.sqrt((ways * ways).sum(axis=1, keepdims=True))
            parts.append((rows, self._passed(rows, ways, solids[of], trees[of])))
        return np.concatenate([part[0] for part in parts]), np.concatenate(
            [part[1] for part in parts], axis=1
        )

    def _rays(self, ways: Floats, wanted: Bools | None) -> tuple[NDArray[np.intp], Floats, Floats]:
        """Rays of all groups to one patch: rows of the samples, cosines, and what passes in each season.

        Rays of surfaces that are not `wanted` are not cast: nothing passes.
        """
        parts = []
        for way, members in zip(ways, self._groups, strict=True):
            rows, cosine = self._facing(members, way, None)
            if wanted is None:
                passed = self._passed(rows, way[None])
            else:
                passed = np.zeros((2, len(rows)))
                chosen = wanted[self.samples.surface[rows]]
                passed[:, chosen] = self._passed(rows[chosen], way[None])
            parts.append((rows, cosine, passed))
        rays, cosines, lights = zip(*parts, strict=True)
        return np.concatenate(rays), np.concatenate(cosines), np.concatenate(lights, axis=1)

    def _facing(
        self, members: NDArray[np.intp], way: Floats, wanted: Bools | None
    ) -> tuple[NDArray[np.intp], Floats]:
        # By components: a matrix product may round differently for another number of surfaces
        normal = self.samples.normal
        of_surface = normal[:, 0] * way[0] + normal[:, 1] * way[1] + normal[:, 2] * way[2]
        good = of_surface > _FACING
        if wanted is not None:
            good &= wanted
        of = self.samples.surface[members]
        chosen = good[of]
        return members[chosen], of_surface[of[chosen]]

    def _passed(
        self, rows: NDArray[np.intp], ways: Floats, solids: Bools | None = None, trees: Bools | None = None
    ) -> Floats:
        """Light that passes in each season, shape (season, row).

        solids, trees : rows whose rays may meet them, shape (row,); all without it.
        """
        single, one = ways.astype(np.float32), len(ways) == 1
        some = np.arange(len(rows)) if solids is None else np.flatnonzero(solids)
        free = np.ones(len(rows), bool)
        free[some] = ~self.scene.blocked(self.samples.position[rows[some]], single if one else single[some])
        if len(self.scene.horizon_deg):
            free &= ~self.scene.below_horizon(ways)
        passed = np.empty((2, len(rows)))
        passed[:] = free
        if len(self.scene.crowns):
            some = np.flatnonzero(free if trees is None else free & trees)
            ways_there = single if one else single[some]
            passed[:, some] = light(self.scene.crowns, self.samples.position[rows[some]], ways_there)
        return passed

    def _all(self, work: Callable[[int], int], count: int, label: str) -> None:
        """`work` on 0 … count - 1 in threads (embree and the crowns run without the interpreter's lock)."""
        with ThreadPoolExecutor(self._workers) as pool:
            run = map(work, range(count)) if self._workers == 1 else pool.map(work, range(count))
            for done, cast in enumerate(run):
                self.rays += cast
                self._report(label, (done + 1) / count)


def _expected(around: NDArray[np.uint8]) -> tuple[Bools, Bools, Bools]:
    """What the patches around a position tell of it: solids or trees may stand before it, all is hidden.

    around : their states, shape (patch, surface).  Returns three of shape (surface,).
    """
    solid = around & _SOLIDS
    known = (solid > 0).any(axis=0)
    hidden = known & ((solid == 0) | (solid == HIDDEN)).all(axis=0)
    clear = known & ((solid == 0) | (solid == OPEN)).all(axis=0)
    trees = ~known | ((around & TREES) > 0).any(axis=0)
    return ~(clear | hidden), trees & ~hidden, hidden


def near_patches(suns: Floats, patches: Patches) -> Bools:
    """Patches around each position of the sun: all within one row's height and a bit; (position, patch)."""
    middles = patches.middles
    reach = 1.2 * np.max(patches.high_deg - patches.low_deg)
    near: Bools = suns @ middles.T > np.cos(np.radians(reach))
    near[np.arange(len(suns)), np.argmax(suns @ middles.T, axis=1)] = True
    return near
