"""Gaps in a raster filled from what lies around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_SMALLEST = 2
_SWEEPS = 12


def fill(values: Floats) -> Floats:
    """`values` with every nan replaced; what is known stays as it is.

    Pull–push interpolation (S. J. Gortler et al., The Lumigraph, SIGGRAPH 1996, 3.4.1): means of what is
    known are pulled to ever coarser rasters and pushed back into the gaps, each level then smoothed by Jacobi
    sweeps towards the harmonic surface, which continues slopes across small gaps. Results lie within the
    range of the known values.

    Parameters
    ----------
    values : shape (rows, columns); at least one finite value.
    """
    known = np.isfinite(values)
    if known.all():
        return values
    if not known.any():
        raise ValueError("nothing is known")
    rows, columns = values.shape
    if max(rows, columns) <= _SMALLEST:
        return np.where(known, values, values[known].mean()).astype(np.float32)
    coarse = fill(_halved(values, known))
    out = values.copy()
    at = np.nonzero(~known)
    out[at] = _between(coarse, at)
    _smooth(out, at)
    return out


def _halved(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """Means of the known values of 2 × 2 cells; nan where none is known."""
    rows, columns = values.shape
    shape = ((rows + 1) // 2, (columns + 1) // 2)
    total, count = np.zeros(shape, np.float64), np.zeros(shape, np.int8)
    for i in (0, 1):
        for j in (0, 1):
            part = known[i::2, j::2]
            here = np.s_[: part.shape[0], : part.shape[1]]
            total[here] += np.where(part, values[i::2, j::2], 0.0)
            count[here] += part
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _between(coarse: Floats, at: tuple[NDArray[np.intp], ...]) -> Floats:
    """Bilinear values of `coarse` at cells of the raster twice as fine."""
    rows, columns = coarse.shape
    y, x = (np.clip(cell / 2 - 0.25, 0, size - 1) for cell, size in zip(at, coarse.shape, strict=True))
    r0, c0 = y.astype(np.intp), x.astype(np.intp)
    r1, c1 = np.minimum(r0 + 1, rows - 1), np.minimum(c0 + 1, columns - 1)
    fy, fx = y - r0, x - c0
    upper = coarse[r0, c0] * (1 - fx) + coarse[r0, c1] * fx
    lower = coarse[r1, c0] * (1 - fx) + coarse[r1, c1] * fx
    mixed: Floats = (upper * (1 - fy) + lower * fy).astype(np.float32)
    return mixed


def _smooth(values: Floats, at: tuple[NDArray[np.intp], ...]) -> None:
    """Some Jacobi sweeps of the cells `at`, in place; the raster's edge mirrors."""
    rows, columns = values.shape
    r, c = at
    neighbours = [
        (np.maximum(r - 1, 0), c),
        (np.minimum(r + 1, rows - 1), c),
        (r, np.maximum(c - 1, 0)),
        (r, np.minimum(c + 1, columns - 1)),
    ]
    for _ in range(_SWEEPS):
        mean = sum((values[cell].astype(np.float64) for cell in neighbours), np.zeros(len(r))) / 4
        values[at] = mean
