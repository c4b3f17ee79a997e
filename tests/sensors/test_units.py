"""Unit conversion by UCUM code against reference values."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.errors import UnitError
from sensors.units import convert, converts

# Factors are exact by the SI Brochure (9th edition), ISO 80000 and NIST SP 811 (2008), appendix B.
REFERENCE = [
    ("kW.h", "J", 1, 3.6e6), ("MW.h", "kW.h", 1, 1000), ("GJ", "kW.h", 3.6, 1000), ("W.h", "kJ", 1, 3.6),
    ("MJ", "kW.h", 3.6, 1), ("Cel", "K", 20, 293.15), ("K", "Cel", 0, -273.15), ("[degF]", "Cel", 50, 10),
    ("Cel", "[degF]", 100, 212), ("hPa", "Pa", 1013.25, 101325), ("mbar", "hPa", 1, 1),
    ("bar", "kPa", 1, 100), ("atm", "hPa", 1, 1013.25), ("cm[H2O]", "kPa", 1, 0.0980665),
    ("m3/h", "L/s", 3.6, 1), ("l", "m3", 1000, 1),
    ("km/h", "m/s", 36, 10), ("[kn_i]", "km/h", 1, 1.852), ("L/m2", "mm", 1, 1), ("mm/h", "L/(m2.h)", 2, 2),
    ("%", "1", 50, 0.5), ("m3/m3", "%", 0.25, 25), ("[ppm]", "%", 10000, 1), ("[ppb]", "[ppm]", 1000, 1),
    ("ug/m3", "mg/m3", 1000, 1), ("uS/cm", "dS/m", 1000, 1), ("mS/cm", "S/m", 10, 1), ("klx", "lx", 1, 1000),
    ("J/cm2", "kW.h/m2", 360, 1), ("W/m2", "kW/m2", 1000, 1), ("mV", "V", 3600, 3.6), ("min", "s", 2, 120),
    ("deg", "rad", 180, np.pi), ("t/a", "kg/a", 1, 1000), ("kg/(kW.h)", "g/(kW.h)", 0.24, 240),
    ("{vehicles}/h", "/d", 1, 24), ("{count}", "1", 7, 7), ("dB", "B", 10, 1),
    ("W/(m2.K)", "mW/(cm2.K)", 10, 1),
    ("Cel/h", "K/h", 3, 3), ("10*3.m3", "m3", 1, 1000), ("m/s2", "cm/s2", 1, 100), ("m.s-2", "m/s2", 4, 4),
]  # fmt: skip


@pytest.mark.parametrize(("source", "target", "value", "expected"), REFERENCE)
def test_reference_values(source: str, target: str, value: float, expected: float) -> None:
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert convert(expected, target, source) == pytest.approx(value, rel=1e-12, abs=1e-12)


def test_arrays_keep_their_shape_and_nan() -> None:
    out = convert([[1.0, np.nan], [2.0, 3.0]], "MW.h", "kW.h")
    np.testing.assert_array_equal(out, [[1000, np.nan], [2000, 3000]])
    assert out.dtype == np.float64


@pytest.mark.parametrize(
    ("source", "target"),
    [("Cel", "kW.h"), ("m", "m2"), ("%", "K"), ("dB", "1"), ("B[mW]", "W"), ("[pH]", "1"), ("kW", "kW.h")],
)
def test_units_of_different_things_do_not_convert(source: str, target: str) -> None:
    with pytest.raises(UnitError, match="does not convert"):
        convert(1.0, source, target)
    assert not converts(source, target)


@pytest.mark.parametrize(
    "code", ["°C", "kwh", "m^2", "m//s(", "furlong", "{", "m3/", "__import__", "kW h", "2K."]
)
def test_what_is_no_code_is_named(code: str) -> None:
    with pytest.raises(UnitError, match="no UCUM code"):
        convert(1.0, code, "1")


def test_the_same_unit_needs_no_knowledge_of_it() -> None:
    assert convert(3.0, "furlong", "furlong") == 3.0
