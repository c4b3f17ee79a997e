"""Inner loops of `energy.solar`: the parts of the sky through the views of many surfaces, hour by hour.

Rows of `parts` are hours: beam, glow, dome, band, global radiation, share of the leaves, and the sun's east,
north and up. Views have the shape (season, surface), `facing` (3, surface), sun masks `beam` (season,
position, surface) in 255ths. All floats are float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.compute import compiled


def _fall(
    part: Any, sky_view: Any, band_view: Any, reflected: Any, facing: Any, mask: Any, first: int, share: Any,
    out: Any, add: bool,
) -> None:  # fmt: skip
    """Irradiance of one hour on surfaces from `first` on in one season, times `share`; set or added."""
    beam, glow, dome, band, ghi = part[0], part[1], part[2], part[3], part[4]
    x, y, z = part[6], part[7], part[8]
    last = first + len(out)
    sky_view, band_view, reflected = sky_view[first:last], band_view[first:last], reflected[first:last]
    east, north, up = facing[0, first:last], facing[1, first:last], facing[2, first:last]
    lit = mask[first:last]
    zero, per = np.float32(0.0), np.float32(1.0 / 255.0)
    for i in range(len(out)):
        cosine = max(east[i] * x + north[i] * y + up[i] * z, zero)
        direct = cosine * (np.float32(lit[i]) * per)
        diffuse = max(dome * sky_view[i] + band * band_view[i] + glow * direct, zero)
        value = (diffuse + beam * direct + ghi * reflected[i]) * share
        out[i] = out[i] + value if add else value


_fall_on = compiled(_fall, alike=True)


def _surfaces(
    hours: Any, parts: Any, positions: Any, target: Any, add: bool, sky_view: Any, band_view: Any,
    reflected: Any, facing: Any, beam: Any, first: int, last: int, out: Any, start: int,
) -> None:  # fmt: skip
    """Surfaces `first` to `last` in all lit hours, into rows `target` of `out` from column first - start."""
    season = len(beam) - 1
    one = np.float32(1.0)
    for t in range(len(hours)):
        part, at = parts[t], positions[t]
        row = out[target[t], first - start : last - start]
        leaf = part[5] if season > 0 else np.float32(0.0)
        if leaf < one:
            _fall_on(part, sky_view[0], band_view[0], reflected[0], facing, beam[0, at],
                     first, one - leaf, row, add)  # fmt: skip
        if leaf > 0:
            _fall_on(part, sky_view[season], band_view[season], reflected[season], facing, beam[season, at],
                     first, leaf, row, add or leaf < one)  # fmt: skip


surfaces_year = compiled(_surfaces)


def _windows(
    hours: Any, parts: Any, positions: Any, sky_view: Any, band_view: Any, reflected: Any, facing: Any,
    beam: Any, first: int, last: int, each: Any, weight: Any, start: Any, building: int, end: int, out: Any,
) -> None:  # fmt: skip
    """Walls `first` to `last` in all lit hours, weighted and summed for the buildings `building` to `end`.

    each : room for one hour, shape (1, wall).  start : first wall of each building and one more.
    """
    target = np.zeros(1, np.intp)
    for t in range(len(hours)):
        surfaces_year(hours[t : t + 1], parts[t : t + 1], positions[t : t + 1], target, False,
                      sky_view, band_view, reflected, facing, beam, first, last, each, first)  # fmt: skip
        for one in range(building, end):
            total = np.float32(0.0)
            for i in range(start[one], start[one + 1]):
                total += each[0, i - first] * weight[i]
            out[hours[t], one] = total


windows_year = compiled(_windows)


def _glazed(
    hours: Any, parts: Any, positions: Any, sky_view: Any, band_view: Any, reflected: Any, facing: Any,
    beam: Any, curve: Any, kind: Any, weight: Any, start: Any, building: int, end: int, out: Any,
) -> None:  # fmt: skip
    """As `windows_year`, by what the glass of each building lets in: see `energy.window_glass.Glass`."""
    season, steps = len(beam) - 1, curve.shape[1] - 2
    zero, one, per = np.float32(0.0), np.float32(1.0), np.float32(1.0 / 255.0)
    for t in range(len(hours)):
        part, at = parts[t], positions[t]
        dome, band, ghi = part[2], part[3], part[4]
        leaf = part[5] if season > 0 else zero
        for b in range(building, end):
            by_angle, total = curve[kind[b]], zero
            for i in range(start[b], start[b + 1]):
                cosine = facing[0, i] * part[6] + facing[1, i] * part[7] + facing[2, i] * part[8]
                cosine = min(max(cosine, zero), one)
                place = cosine * np.float32(steps)
                step = min(int(place), steps - 1)
                rest = place - np.float32(step)
                passed = by_angle[step] + rest * (by_angle[step + 1] - by_angle[step])
                lit = np.float32(beam[0, at, i]) * (one - leaf) + np.float32(beam[season, at, i]) * leaf
                sky = sky_view[0, i] * (one - leaf) + sky_view[season, i] * leaf
                low = band_view[0, i] * (one - leaf) + band_view[season, i] * leaf
                shone = reflected[0, i] * (one - leaf) + reflected[season, i] * leaf
                diffuse = max(dome * sky + band * low, zero) + ghi * shone
                direct = (part[0] + part[1]) * cosine * lit * per
                total += weight[i] * (direct * passed + diffuse * by_angle[steps + 1])
            out[hours[t], b] = total


glazed_year = compiled(_glazed)
