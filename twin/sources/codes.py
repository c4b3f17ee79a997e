"""Codes of roofs and uses → the twin's roof types and use classes.

Roofs: AdV code list of the German LoD2 product standard, and the code list of SIG 3D for CityGML.
Uses: ALKIS object type AX_Gebaeude, attribute Gebäudefunktion (``31001_xxxx``), and SIG 3D's list.
"""

from __future__ import annotations

import re
from functools import lru_cache

ROOF_TYPES = (
    "flat", "pent", "gable", "hip", "half_hip", "mansard", "pyramid", "cone", "dome", "shed", "arch", "tower",
    "mixed", "other",
)  # fmt: skip
FUNCTIONS = (
    "residential", "office", "school", "kindergarten", "hospital", "retail", "industrial", "garage", "church",
    "other",
)  # fmt: skip

_ADV_ROOFS = {
    "1000": "flat", "2100": "pent", "2200": "pent", "3100": "gable", "3200": "hip", "3300": "half_hip",
    "3400": "mansard", "3500": "pyramid", "3600": "cone", "3700": "dome", "3800": "shed", "3900": "arch",
    "4000": "tower", "5000": "mixed", "9999": "other",
}  # fmt: skip
# Disjoint from the AdV list but for 1000, which is a flat roof in both.
_SIG3D_ROOFS = {
    "1010": "pent", "1020": "pent", "1030": "gable", "1040": "hip", "1050": "half_hip", "1060": "mansard",
    "1070": "pyramid", "1080": "cone", "1090": "dome", "1100": "shed", "1110": "arch", "1120": "pyramid",
    "1130": "mixed",
}  # fmt: skip
_ROOF_WORDS = {
    "flat": "flat", "flachdach": "flat", "horizontal": "flat", "pent": "pent", "pultdach": "pent",
    "monopitch": "pent", "skillion": "pent", "lean_to": "pent", "versetztes pultdach": "pent",
    "gable": "gable", "gabled": "gable", "satteldach": "gable", "saltbox": "gable", "hip": "hip",
    "hipped": "hip", "walmdach": "hip", "half_hip": "half_hip", "half-hipped": "half_hip", "krüppelwalmdach":
    "half_hip", "mansard": "mansard", "gambrel": "mansard", "mansarddach": "mansard",
    "mansardendach": "mansard",
    "pyramid": "pyramid", "pyramidal": "pyramid", "zeltdach": "pyramid", "cone": "cone", "kegeldach": "cone",
    "dome": "dome", "onion": "dome", "kuppeldach": "dome", "shed": "shed", "sawtooth": "shed",
    "sheddach": "shed",
    "arch": "arch", "round": "arch", "barrel": "arch", "bogendach": "arch", "tower": "tower",
    "turmdach": "tower",
    "mixed": "mixed", "mischform": "mixed", "other": "other", "sonstiges": "other",
}  # fmt: skip

# First and last code of each range, later ranges are finer and win. ALKIS objects that are no building
# (other than 31001) and everything that no range names are "other".
_ALKIS_RANGES = (
    (1000, 1299, "residential"),
    (2000, 2000, "industrial"),
    (2010, 2010, "retail"),
    (2020, 2040, "office"),
    (2050, 2060, "retail"),
    (2100, 2180, "industrial"),
    (2160, 2160, "office"),
    (2200, 2210, "industrial"),
    (2310, 2310, "retail"),
    (2320, 2320, "industrial"),
    (2460, 2465, "garage"),
    (2500, 2629, "industrial"),
    (3010, 3019, "office"),
    (3020, 3023, "school"),
    (3024, 3024, "office"),
    (3040, 3048, "church"),
    (3050, 3053, "hospital"),
    (3065, 3065, "kindergarten"),
    (3071, 3071, "office"),
)
_SIG3D_RANGES = (
    (1000, 1099, "residential"),
    (1120, 1149, "office"),
    (1150, 1199, "retail"),
    (1310, 1379, "industrial"),
    (1380, 1380, "office"),
    (1390, 1459, "industrial"),
    (1610, 1659, "garage"),
    (1660, 1869, "industrial"),
    (1970, 2069, "office"),
    (2070, 2109, "school"),
    (2110, 2110, "office"),
    (2210, 2299, "church"),
    (2300, 2339, "hospital"),
    (2380, 2380, "kindergarten"),
    (2400, 2400, "office"),
)
_NUMBER = re.compile(r"(?:^|[_#:/])(\d{4})$")


@lru_cache(maxsize=1024)
def roof_type(code: str | None) -> str | None:
    """Roof type of a code or word; None where there is none, "other" where the code is unknown.

    Understood: AdV (``3100``, ``…#3100``), SIG 3D (``1030``), words (German, English, OSM).
    """
    text = (code or "").strip()
    if not text:
        return None
    if number := _NUMBER.search(text):
        return _ADV_ROOFS.get(number[1]) or _SIG3D_ROOFS.get(number[1], "other")
    return _ROOF_WORDS.get(text.lower().replace(" roof", ""), "other")


@lru_cache(maxsize=1024)
def function(code: str | None, code_space: str | None = None) -> str | None:
    """Use class of a building function code; None where it is missing or says nothing, "other" for the rest.

    Parameters
    ----------
    code : ``31001_1010``, ``1010`` or another object type such as ``51002_1001`` (a tower).
    code_space : the list that the code is from; SIG 3D's is told by its name, else ALKIS is assumed.
    """
    text = (code or "").strip()
    number = _NUMBER.search(text)
    if number is None or number[1] in ("9998", "9999"):
        return None
    value = int(number[1])
    if "sig3d" in (code_space or "").lower():
        return _in_ranges(value, _SIG3D_RANGES)
    if "_" in text and not re.search(r"31001_\d{4}$", text):
        return "other"
    return _in_ranges(value, _ALKIS_RANGES)


def _in_ranges(value: int, ranges: tuple[tuple[int, int, str], ...]) -> str:
    return next((name for first, last, name in reversed(ranges) if first <= value <= last), "other")
