"""Small charts as SVG text: no script, readable by screen readers, coloured by the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from viewer import colours, format, texts

_WIDTH, _HEIGHT = 340, 150
_LEFT, _TOP, _BOTTOM = 34, 12, 22


def monthly_bars(
    before: ArrayLike, after: ArrayLike, *, months: Sequence[str], unit: str, language: str, title: str
) -> str:
    """Twelve bars: today as an outline, with the measure filled.

    Parameters
    ----------
    before, after : shape (12,), in `unit`; nan counts as nothing.
    title : what the bars are, for those who hear the chart.
    """
    first, second = np.nan_to_num(np.asarray(before, float)), np.nan_to_num(np.asarray(after, float))
    top = max(float(first.max(initial=0)), float(second.max(initial=0)))
    grid = colours.ticks(0, top, 3) if top > 0 else [0.0]
    scale = (_HEIGHT - _TOP - _BOTTOM) / (max(top, grid[-1]) or 1)
    digits = 0 if top >= 10 else 1
    parts = [_grid_line(value, scale, digits, language) for value in grid]
    step = (_WIDTH - _LEFT) / 12
    rows = []
    for month, (name, b, a) in enumerate(zip(months, first, second, strict=True)):
        x = _LEFT + month * step + step * 0.16
        said = f"{name}: {format.quantity(b, unit, language, digits)}"
        if abs(b - a) > 1e-9 * max(top, 1):
            said += f" → {format.quantity(a, unit, language, digits)}"
        rows.append(said)
        parts.append(
            f"<g><title>{escape(said)}</title>{_bar('bar-before', x, b, scale, step)}"
            f"{_bar('bar-after', x, a, scale, step)}"
            f'<text x="{x + step * 0.34:.1f}" y="{_HEIGHT - 6}" class="tick" text-anchor="middle">'
            f"{escape(name[:1])}</text></g>"
        )
    label = texts.text(language, "chart.label", title=title, unit=unit, rows="; ".join(rows))
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<text x="0" y="9" class="tick">{escape(unit)}</text>{"".join(parts)}</svg>'
    )


def _bar(kind: str, x: float, value: float, scale: float, step: float) -> str:
    height = value * scale
    y = _HEIGHT - _BOTTOM - height
    place = f'x="{x:.1f}" y="{y:.1f}" width="{step * 0.68:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {place} rx="1.5"/>'


def _grid_line(value: float, scale: float, digits: int, language: str) -> str:
    y = _HEIGHT - _BOTTOM - value * scale
    text = format.number(value, language, digits if value % 1 else 0)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{text}</text>'
    )
