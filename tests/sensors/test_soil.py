"""Matric potential, pF, Jena's colours and the retention curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors import figures, soil
from twin.errors import CallError


def test_pf_is_the_logarithm_of_the_tension_in_hpa() -> None:
    # 330 hPa is the field capacity of the Anglo-Saxon school (pF 2.5), 15,000 hPa the wilting point (pF 4.2).
    assert soil.pf(np.array([1.0, 100.0, -330.0, 15_000.0])) == pytest.approx([0, 2, 2.52, 4.18], abs=0.01)
    assert np.isnan(soil.pf(np.nan))
    assert np.isfinite(soil.pf(0.0))


@pytest.mark.parametrize(
    ("value", "colour"),
    [(1.79, "blue"), (1.8, "green"), (3.0, "green"), (3.01, "yellow"), (3.6, "yellow"), (3.61, "red"),
     (float("nan"), "")],
)  # fmt: skip
def test_colours_are_those_of_jenas_platform(value: float, colour: str) -> None:
    assert soil.colour(value) == colour


def test_retention_curve_by_hand() -> None:
    """Loam at h = 100 cm: (1 + 3.6^1.56)^-0.359 = 8.376^-0.359 = 0.4663; 0.078 + 0.352 · 0.4663 = 0.2421."""
    loam = soil.Retention.of("loam")
    assert loam.water_content(np.log10(100 / 1.01972)) == pytest.approx(0.2421, abs=1e-4)


def test_saturated_and_dry_ends() -> None:
    sand = soil.Retention.of("sand")
    assert sand.water_content(-1.0) == pytest.approx(0.43, abs=1e-3)
    assert sand.water_content(6.0) == pytest.approx(0.045, abs=1e-3)
    assert np.isfinite(sand.pf(np.array([0.0, 0.9]))).all()


@given(st.sampled_from(list(figures.table("soils", "texture").index)), st.floats(0.5, 4.2))
def test_curve_and_its_inverse_agree(texture: str, value: float) -> None:
    curve = soil.Retention.of(texture)
    assert float(curve.pf(curve.water_content(value))) == pytest.approx(value, abs=1e-3)


def test_unknown_texture_is_named() -> None:
    with pytest.raises(CallError, match="moon dust"):
        soil.Retention.of(["loam", "moon dust"])


def test_every_figure_has_a_source() -> None:
    for name, index in (("soils", "texture"), ("green_care", "name")):
        assert (figures.table(name, index)["source"].str.len() > 5).all()
