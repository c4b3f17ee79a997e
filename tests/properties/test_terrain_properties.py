"""What holds for the filling of gaps and for terrain text whatever the values."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from twin.sources import gaps, terrain, xyz

heights = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20),
    elements=st.one_of(st.floats(-400, 4000, width=32), st.just(float("nan"))),
)


@given(heights)
@settings(max_examples=60, deadline=None)
def test_filled_values_lie_within_what_is_known_and_known_ones_stay(values) -> None:
    known = np.isfinite(values)
    if not known.any():
        return
    filled = gaps.fill(values)
    assert np.array_equal(filled[known], values[known])
    assert np.isfinite(filled).all()
    tolerance = 1e-3
    assert filled.min() >= values[known].min() - tolerance
    assert filled.max() <= values[known].max() + tolerance


@given(
    slope=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    hole=st.tuples(st.integers(8, 20), st.integers(8, 20), st.integers(1, 4), st.integers(1, 4)),
)
@settings(max_examples=40, deadline=None)
def test_small_hole_in_a_slope_continues_it(slope, hole) -> None:
    row, column, tall, wide = hole
    y, x = np.mgrid[0:32, 0:32]
    plane = (100 + slope[0] * x + slope[1] * y).astype(np.float32)
    values = plane.copy()
    values[row : row + tall, column : column + wide] = np.nan
    steepest = abs(slope[0]) + abs(slope[1])
    assert np.abs(gaps.fill(values) - plane).max() <= 0.25 * steepest + 1e-3


@given(
    columns=st.integers(1, 12),
    rows=st.integers(2, 12),
    cell=st.sampled_from([0.25, 0.5, 1.0, 2.0, 5.0, 25.0]),
    seed=st.integers(0, 1000),
    mark=st.sampled_from([" ", ";", "\t", ","]),
)
@settings(max_examples=40, deadline=None)
def test_text_gives_back_the_grid_in_any_order(columns, rows, cell, seed, mark) -> None:
    random = np.random.default_rng(seed)
    values = random.uniform(100, 400, (rows, columns)).round(2)
    x, y = np.meshgrid(682_000 + cell * np.arange(columns), 5_640_000 - cell * np.arange(rows))
    table = np.column_stack([x.ravel(), y.ravel(), values.ravel()])[random.permutation(rows * columns)]
    text = "\n".join(mark.join(f"{value:.2f}" for value in row) for row in table)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.xyz"
        file.write_text(text + "\n")
        found = terrain.read(file, crs="EPSG:25832").terrain
    assert found is not None
    assert np.allclose(found.heights_m, values, atol=1e-3)
    assert found.cell_m == cell


@given(st.binary(max_size=300))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_sniffed_without_error(head) -> None:
    form = xyz.sniff(head)
    assert form is None or form.separator in (r"\s+", ";", ",", "\t")
