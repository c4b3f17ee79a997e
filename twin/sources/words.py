"""Words for uses and roof forms, German, English and OpenStreetMap's, in the schema's vocabulary."""

from __future__ import annotations

import re

from twin.sources import codes
from twin.sources.columns import plain

_FUNCTIONS = {
    meaning: tuple(stems.split())
    for meaning, stems in {
        "kindergarten": "kindergarten kita kindertages childcare nursery krippe",
        "school": "school schul gymnasium university college universitaet bildung education",
        "hospital": "hospital krankenhaus klinik clinic",
        "church": """
            church kirche chapel kapelle cathedral mosque moschee synagog temple religious monastery
            shrine presbytery""",
        "garage": "garage carport parking parkhaus tiefgarage stellplatz",
        "retail": "retail shop supermarket kiosk einkauf laden handel kaufhaus mall verkauf",
        "office": "office buero verwaltung government townhall rathaus public civic bank",
        "industrial": """
            industr gewerbe factory fabrik warehouse lager werkstatt hangar manufacture produktion
            halle workshop""",
        "residential": """
            residential wohn apartment house detached terrace dormitory bungalow villa
            semidetachedhouse farm cabin reihenhaus mehrfamilien einfamilien mfh efh living""",
        "other": """
            commercial hotel shed schuppen stall barn roof greenhouse service stadium sport hut
            transportation trainstation bahnhof ruin trafo pavilion toilet museum theat restaurant
            feuerwehr firestation construction bridge gartenhaus""",
    }.items()
}
_NOT_HOUSES = re.compile(r"greenhouse|warehouse|gewaechshaus|boathouse|housing")
_CODE = re.compile(r"\d{4}$")
_ROOFS: dict[str, tuple[str, ...]] = {
    "half_hip": ("halfhipped", "halfhip", "kruppelwalm", "krueppelwalm"),
    "mansard": ("mansard", "gambrel"),
    "hip": ("hipped", "hip", "walm"),
    "gable": ("gabled", "gable", "sattel", "saltbox", "crossgabled", "doublesaltbox"),
    "pent": ("skillion", "pent", "pult", "leanto", "monopitch"),
    "pyramid": ("pyramid", "zelt"),
    "dome": ("dome", "kuppel", "onion", "zwiebel"),
    "cone": ("cone", "kegel"),
    "arch": ("round", "arch", "bogen", "barrel", "tonne"),
    "shed": ("sawtooth", "shed"),
    "tower": ("turm", "tower", "spire"),
    "flat": ("flat", "flach"),
    "mixed": ("mixed", "misch", "many", "kombination"),
}


def function(word: str) -> str | None:
    """The use class that a word or an AdV code says; None where it says nothing ("yes")."""
    if _CODE.search(word.strip()):
        return codes.function(word)
    short = plain(word)
    house = _NOT_HOUSES.sub("", short)
    for meaning, stems in _FUNCTIONS.items():
        searched = house if meaning == "residential" else short
        if any(stem in searched for stem in stems):
            return meaning
    return None


def roof_type(word: str) -> str | None:
    """The roof form that a word or an AdV code says; None where it says nothing."""
    if _CODE.search(word.strip()):
        return codes.roof_type(word)
    short = plain(word)
    for meaning, stems in _ROOFS.items():
        if any(stem in short for stem in stems):
            return meaning
    return None
