"""Maps of a report: the district in 3D, seen obliquely from the south, with legend and scale.

The view is parallel, so that lengths from left to right are true everywhere and one scale bar holds. Colours
are those that colour-blind people tell apart (cividis, purple to orange).
"""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from scenarios.report import grouping
from scenarios.report.charts import AFTER, FONT, INK, WIDTH_INCH, fonts
from scenarios.report.study import Study
from scenarios.report.words import Words
from twin import picture
from twin.district import District

GREY, WIDE, DPI = "#bdbdbd", 1900, 260
WHERE = LinearSegmentedColormap.from_list("where", [GREY, AFTER])


def where(study: Study, words: Words, groups: pd.Series | None = None) -> bytes:
    """Which buildings, or groups of them, a measure changes."""
    marks = affected(study, groups).astype("float64")
    image, metre = _still(study.base.case.district, marks, WHERE, (0.0, 1.0), None)
    patches = [
        Patch(color=AFTER, label=words("map.changed")), Patch(color=GREY, label=words("map.unchanged")),
    ]  # fmt: skip
    return _composed(image, metre, words, patches=patches)


def level(study: Study, words: Words, state: str, groups: pd.Series | None = None) -> bytes:
    """CO2 per floor area today (`base`) or after the measures (`after`), both in the same colours."""
    table = per_area(study, groups)
    both = table[["base", "after"]].to_numpy().ravel()
    limits = (0.0, float(np.nanpercentile(both, 98)) if np.isfinite(both).any() else 1.0)
    image, metre = _still(study.base.case.district, table[state], "cividis_r", limits, focus(study, groups))
    bar = ScalarMappable(Normalize(*limits), "cividis_r")
    return _composed(image, metre, words, bar=bar, title=words("map.level_unit"))


def change(study: Study, words: Words, groups: pd.Series | None = None) -> bytes:
    """Change of CO2 per floor area."""
    values = per_area(study, groups)["change"]
    most = float(np.nanpercentile(values.abs(), 99)) if values.notna().any() else 0.0
    limits = (-most, most) if most > 0 else (-1.0, 1.0)
    image, metre = _still(study.base.case.district, values, "PuOr_r", limits, focus(study, groups))
    bar = ScalarMappable(Normalize(*limits), "PuOr_r")
    return _composed(image, metre, words, bar=bar, title=words("map.change_unit"))


def per_area(study: Study, groups: pd.Series | None = None) -> pd.DataFrame:
    """CO2 of the year per reference floor area of heated buildings; columns base, after, change. [kg/m²]

    groups : with it, each building has its group's sum of CO2 over the group's area.
    """
    envelope = study.base.case.envelope
    area = envelope["a_use_m2"].where(envelope["conditioned"].to_numpy(bool))
    area = area.where(area > 0)
    co2 = {
        name: one.annual["co2_kg"].where(area.notna())
        for name, one in zip(("base", "after"), study.outcomes, strict=True)
    }
    if groups is not None:
        mine = grouping.shown(groups)
        area, *both = (
            grouping.spread(one.loc[mine.index].groupby(mine).sum(min_count=1), groups)
            for one in (area, *co2.values())
        )
        co2 = dict(zip(co2, both, strict=True))
    table = pd.DataFrame({name: one / area for name, one in co2.items()})
    return table.assign(change=table["after"] - table["base"])


def affected(study: Study, groups: pd.Series | None = None) -> pd.Series:
    """Whether a measure changes a building, or any of its group, index building_id."""
    mine = study.affected
    if groups is None:
        return mine
    shown = grouping.shown(groups)
    return grouping.spread(mine.loc[shown.index].groupby(shown).any().astype(float), groups) > 0


def focus(study: Study, groups: pd.Series | None = None) -> pd.Index | None:
    """Ids of the buildings that the maps of effects are about: those changed, or all where none is."""
    mine = affected(study, groups)
    return mine.index[mine] if mine.any() else None


def _still(
    district: District,
    values: pd.Series,
    colours: str | LinearSegmentedColormap,
    limits: tuple[float, float],
    ids: pd.Index | None,
) -> tuple[NDArray[np.uint8], float]:
    """The picture and how many of its pixels a metre from left to right has."""
    width, height = picture.extent_m(district, ids)
    size = (WIDE, int(np.clip(WIDE * height / width, 0.42 * WIDE, 0.8 * WIDE)))
    plotter = picture.plot(
        _pale(district), values, off_screen=True, cmap=colours, limits=limits, legend=False, parallel=True,
        focus=ids, window_size=size,
    )  # fmt: skip
    try:
        image = plotter.screenshot(None, return_img=True)
        metre = size[1] / (2 * plotter.camera.parallel_scale)
    finally:
        plotter.close()
    return np.asarray(image), metre


def _pale(district: District) -> District:
    """The district with a pale, grey ground image, so that only buildings have colour."""
    if district.ortho is None:
        return district
    grey = district.ortho.pixels.astype("float32").mean(axis=2, keepdims=True)
    # The sum of texture and light is what is seen: half as bright here is a light grey in the picture.
    pale = np.repeat(105 + 0.42 * grey, 3, axis=2).clip(0, 215).astype("uint8")
    return replace(district, ortho=replace(district.ortho, pixels=pale))


def _composed(
    image: NDArray[np.uint8],
    metre: float,
    words: Words,
    *,
    patches: list[Patch] | None = None,
    bar: ScalarMappable | None = None,
    title: str = "",
) -> bytes:
    """The picture with legend, scale bar and the direction of the view, as JPEG."""
    fonts()
    image = _cut(image)
    high, wide = image.shape[:2]
    # Matplotlib draws what stands below alone: scaling the picture, too, would be most of a report's pages.
    pixels = (round(WIDTH_INCH * DPI), round(WIDTH_INCH * DPI * high / wide))
    above = Image.fromarray(image).resize(pixels, Image.Resampling.LANCZOS)
    with mpl.rc_context({"font.family": FONT, "font.size": 9.5, "text.color": INK}):
        drawing = Figure(figsize=(WIDTH_INCH, 0.62), dpi=DPI)
        below = drawing.add_axes((0, 0, 1, 1))
        below.set(xlim=(0, wide), ylim=(0, 1))
        below.axis("off")
        length = _round_length(0.22 * wide / metre)
        below.add_patch(Rectangle((wide * 0.70, 0.42), length * metre, 0.10, color=INK))
        below.text(wide * 0.70, 0.62, f"{words.number(length)} m", va="bottom")
        below.text(wide * 0.70, 0.30, "W – O" if words.language == "de" else "W – E", va="top", fontsize=8)
        if patches:
            below.legend(handles=patches, loc="center left", frameon=False, ncols=2, borderaxespad=0)
        if bar is not None:
            scale = drawing.add_axes((0.01, 0.42, 0.55, 0.16))
            drawn = drawing.colorbar(bar, cax=scale, orientation="horizontal")
            drawn.ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            drawn.ax.xaxis.set_major_formatter(lambda value, _: words.number(value, _digits(bar)))
            drawn.outline.set_visible(False)
            drawn.ax.set_title(title, fontsize=9.5, loc="left", pad=3)
        canvas = FigureCanvasAgg(drawing)
        canvas.draw()
        strip = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    whole = Image.new("RGB", (pixels[0], pixels[1] + strip.height), "white")
    whole.paste(above, (0, 0))
    whole.paste(strip, (0, pixels[1]))
    held = io.BytesIO()
    whole.save(held, "JPEG", quality=88)
    return held.getvalue()


def _digits(bar: ScalarMappable) -> int:
    low, high = bar.get_clim()
    span = float(high or 0.0) - float(low or 0.0)
    return 0 if span >= 20 else 1 if span >= 2 else 2


def _cut(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """White where nothing is drawn, without rows and columns that are all so."""
    paper = np.array([int(picture.PAPER[i : i + 2], 16) for i in (1, 3, 5)])
    drawn = np.abs(image.astype(int) - paper).max(axis=2) > 6
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not rows.size:
        return image
    white = np.where(drawn[..., None], image, np.uint8(255))
    return white[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _round_length(metres: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not longer."""
    power = 10.0 ** np.floor(np.log10(metres))
    return float(next(step * power for step in (5, 2, 1) if step * power <= metres))
