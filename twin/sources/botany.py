"""Names of trees, and what size they are likely to have where nobody has measured them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Genera that stand in German towns, with the stems of their German names.
_GENERA = {
    "Abies": "tanne weisstanne", "Acer": "ahorn", "Aesculus": "kastanie rosskastanie",
    "Ailanthus": "goetterbaum",
    "Alnus": "erle", "Amelanchier": "felsenbirne", "Betula": "birke", "Carpinus": "hainbuche weissbuche",
    "Castanea": "esskastanie", "Catalpa": "trompetenbaum", "Cedrus": "zeder", "Celtis": "zuergelbaum",
    "Cercidiphyllum": "kuchenbaum", "Cercis": "judasbaum", "Chamaecyparis": "scheinzypresse",
    "Cornus": "hartriegel",
    "Corylus": "hasel", "Cotinus": "perueckenstrauch", "Crataegus": "weissdorn rotdorn", "Cydonia": "quitte",
    "Davidia": "taschentuchbaum", "Elaeagnus": "oelweide", "Fagus": "buche", "Fraxinus": "esche",
    "Ginkgo": "ginkgo",
    "Gleditsia": "lederhuelsenbaum gleditschie", "Gymnocladus": "geweihbaum", "Hippophae": "sanddorn",
    "Ilex": "stechpalme", "Juglans": "walnuss", "Juniperus": "wacholder", "Koelreuteria": "blasenbaum",
    "Laburnum": "goldregen", "Larix": "laerche", "Liquidambar": "amberbaum", "Liriodendron": "tulpenbaum",
    "Magnolia": "magnolie", "Malus": "apfel", "Mespilus": "mispel", "Metasequoia": "urweltmammutbaum",
    "Morus": "maulbeere", "Ostrya": "hopfenbuche", "Parrotia": "eisenholzbaum",
    "Paulownia": "blauglockenbaum",
    "Phellodendron": "korkbaum", "Picea": "fichte", "Pinus": "kiefer", "Platanus": "platane",
    "Populus": "pappel",
    "Prunus": "kirsche pflaume zwetschge mirabelle", "Pseudotsuga": "douglasie", "Pterocarya": "fluegelnuss",
    "Pyrus": "birne", "Quercus": "eiche", "Rhus": "essigbaum", "Robinia": "robinie", "Salix": "weide",
    "Sambucus": "holunder", "Sequoiadendron": "mammutbaum", "Sophora": "schnurbaum",
    "Styphnolobium": "schnurbaum",
    "Sorbus": "mehlbeere eberesche vogelbeere speierling elsbeere", "Syringa": "flieder",
    "Taxodium": "sumpfzypresse",
    "Taxus": "eibe", "Tetradium": "bienenbaum", "Thuja": "lebensbaum", "Tilia": "linde", "Tsuga": "hemlock",
    "Ulmus": "ulme", "Zelkova": "zelkove",
}  # fmt: skip
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_GERMAN = sorted(
    ((stem, genus) for genus, stems in _GENERA.items() for stem in stems.split()),
    key=lambda pair: -len(pair[0]),
)
_BOTANICAL = re.compile(
    r"^[A-Z][a-zë]{2,}(?:-[a-z]+)?(?:\s+[x×]\s*[a-z-]+|\s+[a-z][a-z-]{2,}|\s+(?:spec|sp)\.?)"
)
_QUOTES = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "`": "'", "´": "'", "“": "'", "”": "'", "„": "'", '"': "'"}
)

# Own fits to the public trees of Lobeda (8,000 with height, crown and circumference), rounded.
TALLEST_M, FREE_HEIGHT_M = 1.3, 20.0
HEIGHT_RATE = 0.025  # per cm of trunk diameter
CROWN_PER_HEIGHT = 0.55
DEFAULT_HEIGHT_M = 10.0
_FEWEST = 30  # trees from which a fit or a median is taken


def species(text: str) -> str:
    """The botanical name alone: ``Acer campestre ‘Elsrijk‘, Feld-Ahorn`` → ``Acer campestre 'Elsrijk'``."""
    name = text.translate(_QUOTES).split(",")[0].split(" (")[0]
    return " ".join(name.split())


def genus(text: str) -> str | None:
    """The genus of a botanical or German name; None where it is none that is known or looks botanical."""
    words = text.translate(_QUOTES).split()
    if words and words[0].capitalize() in _GENERA:
        return words[0].capitalize()
    if is_botanical(text) and len(words) > 1:
        return words[0]
    last = [re.sub(r"[^a-z]", "", word) for word in re.split(r"[\s,-]+", text.casefold().translate(_UMLAUTS))]
    return next((found for stem, found in _GERMAN for word in last if word.endswith(stem)), None)


def is_botanical(text: str) -> bool:
    """Whether a text begins like a botanical name."""
    return bool(_BOTANICAL.match(text.translate(_QUOTES).strip()))


def is_genus(text: str) -> bool:
    return text.strip().capitalize() in _GENERA


def with_sizes(trees: pd.DataFrame) -> pd.DataFrame:
    """`height_m`, `crown_diameter_m` and their sources for every tree.

    What is missing is guessed, best knowledge first: by a fit of the file's own trees (log–log, over trunk or
    the other size), by the file's median of the genus, by a general curve over the trunk, by a default.

    Parameters
    ----------
    trees : columns `height_m`, `crown_diameter_m`, `trunk_circumference_cm`, `genus`; nan where unknown.
    """
    trunk = trees["trunk_circumference_cm"].to_numpy(float)
    given_height = trees["height_m"].to_numpy(float)
    given_crown = trees["crown_diameter_m"].to_numpy(float)
    kind = trees["genus"]
    curve = TALLEST_M + FREE_HEIGHT_M * (1 - np.exp(-HEIGHT_RATE * trunk / np.pi))
    height, height_source = _first_known(
        given_height,
        [
            ("trunk circumference, fit of these trees", _fit(trunk, given_height)),
            ("crown, fit of these trees", _fit(given_crown, given_height)),
            ("median of its genus here", _median(given_height, kind)),
            ("trunk circumference", curve),
            ("crown", given_crown / CROWN_PER_HEIGHT),
            ("median of these trees", _median(given_height, None)),
            (f"default {DEFAULT_HEIGHT_M:g} m", np.full(len(trees), DEFAULT_HEIGHT_M)),
        ],
    )
    crown, crown_source = _first_known(
        given_crown,
        [
            ("trunk circumference, fit of these trees", _fit(trunk, given_crown)),
            ("height, fit of these trees", _fit(given_height, given_crown)),
            ("median of its genus here", _median(given_crown, kind)),
            (f"{CROWN_PER_HEIGHT:g} × height", height * CROWN_PER_HEIGHT),
        ],
    )
    return trees.assign(
        height_m=height, height_source=height_source, crown_diameter_m=crown, crown_source=crown_source
    )


def _first_known(given: Floats, guesses: list[tuple[str, Floats]]) -> tuple[Floats, NDArray[np.object_]]:
    values, source = given.copy(), np.full(len(given), None, object)
    source[~np.isnan(given)] = "given:trees"
    for why, guess in guesses:
        free = np.isnan(values) & ~np.isnan(guess)
        values[free] = np.round(np.maximum(guess[free], 0.5), 1)
        source[free] = f"guessed:{why}"
    return values, source


def _fit(x: Floats, y: Floats) -> Floats:
    """y at every x by a straight line of the logarithms, nan where x is, or where too few have both."""
    both = (x > 0) & (y > 0)
    if both.sum() < _FEWEST or np.ptp(np.log(x[both])) < 0.1:
        return np.full(len(x), np.nan)
    slope, offset = np.polyfit(np.log(x[both]), np.log(y[both]), 1)
    low, high = y[both].min(), y[both].max()
    fitted: Floats = np.clip(np.exp(offset + slope * np.log(np.where(x > 0, x, np.nan))), low, high)
    return fitted


def _median(values: Floats, kind: pd.Series | None) -> Floats:
    """Median of the values of each kind (of all where None), nan where fewer than five are known."""
    known = pd.Series(values)
    group = pd.Series(np.zeros(len(values))) if kind is None else kind.reset_index(drop=True).astype("object")
    grouped = known.groupby(group.to_numpy(object), dropna=True)
    enough = grouped.transform("count") >= 5
    return grouped.transform("median").where(enough).to_numpy(float)
