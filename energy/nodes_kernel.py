"""The hour loop of the element-node zones: numba, zones side by side (SIMD), nothing allocated per hour.

Arrays of one block are laid out (…, lane). Each element is a chain of nodes from outside to inside, solved
implicitly: elimination towards the inner surface with factors worked out before, the zone's air and the mean
of its surfaces in closed form, then back to the outside. The nodes of all elements stand behind each other,
and a node has three factors: what an hour reads is what it costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twin.compute import compiled, copied

Array = npt.NDArray[np.floating[Any]]
LEAST_ROOT = 0.5  # of the temperature difference that moves the air, [K^1/3]: an eighth of a kelvin


@copied
def _advance(
    lanes: int,
    starts: npt.NDArray[np.intp],
    chain: Array,
    surface: Array,
    zone: Array,
    outside: Array,
    sun: Array,
    inside: Array,
    entering: Array,
    outdoor: Array,
    gains: Array,
    heat_to: Array,
    cool_to: Array,
    mode: npt.NDArray[np.intp],
    steps: int,
    first: int,
    last: int,
    state: Array,
    air: Array,
    root: Array,
    results: Array,
    sums: Array,
) -> None:
    """`advance_nodes`; `lanes` is a figure where it is put in."""
    elements = starts.shape[0] - 1
    kind = air.dtype.type  # figures of the array's own type: others would widen float32
    zero, one, third, least = kind(0), kind(1), kind(1 / 3), kind(LEAST_ROOT)
    part = kind(1 / steps)
    rest = np.empty((state.shape[0], lanes), air.dtype)
    film, pivot, drive, absorbed = np.empty((4, elements, lanes), air.dtype)
    y, p, heat, cool, mean = np.empty((5, lanes), air.dtype)
    taken, answer, radiant, share = np.empty((4, lanes), air.dtype)
    for t in range(first, last):
        h = t - first
        ventilation = zone[4 + mode[t]]
        for i in range(lanes):
            results[0, h, i] = zero
            results[1, h, i] = zero
            results[2, h, i] = zero
            results[3, h, i] = zero
            taken[i] = zero
            answer[i] = zero
            radiant[i] = zero
            share[i] = one
        for e in range(elements):
            for i in range(lanes):
                drive[e, i] = outside[t, e] + surface[8, e, i] * outdoor[t] + surface[7, e, i] * sun[t, e]
            on, beam, diffuse = inside[t, e], entering[0, t], entering[1, t]
            for i in range(lanes):
                light = surface[5, e, i] * beam[i] + surface[6, e, i] * diffuse[i]
                absorbed[e, i] = on + light + gains[1, t, i]
            end = starts[e + 1] - 1
            for i in range(lanes):
                apart = state[end, i] - air[i]
                size = max(abs(apart), least * least * least)
                r = root[e, i]
                r = third * (r + r + size / (r * r))
                r = max(third * (r + r + size / (r * r)), least)
                root[e, i] = r
                c = r * (surface[0, e, i] if apart > zero else surface[1, e, i])
                v = one / (chain[2, end, i] + c + surface[2, e, i])
                film[e, i] = c
                pivot[e, i] = v
                area, to_air = surface[4, e, i], c * v
                taken[i] += area * c * (one - to_air)
                radiant[i] += area * to_air * surface[2, e, i]
                answer[i] += surface[3, e, i] * to_air
                share[i] -= surface[3, e, i] * surface[2, e, i] * v
        for i in range(lanes):
            share[i] = one / share[i]
            answer[i] *= share[i]
            taken[i] += zone[0, i] + ventilation[i] - radiant[i] * answer[i]
        for _ in range(steps):
            for i in range(lanes):
                y[i] = zone[0, i] * air[i] + ventilation[i] * outdoor[t] + gains[0, t, i]
                p[i] = zero
            for e in range(elements):
                begin, end = starts[e], starts[e + 1] - 1
                for i in range(lanes):
                    rest[begin, i] = chain[0, begin, i] * state[begin, i] + chain[1, begin, i] * drive[e, i]
                for n in range(begin + 1, end):
                    for i in range(lanes):
                        rest[n, i] = chain[0, n, i] * state[n, i] + chain[1, n, i] * rest[n - 1, i]
                for i in range(lanes):
                    coming = chain[0, end, i] * state[end, i] + chain[1, end, i] * rest[end - 1, i]
                    r = (coming + absorbed[e, i]) * pivot[e, i]
                    rest[end, i] = r
                    y[i] += surface[4, e, i] * film[e, i] * r
                    p[i] += surface[3, e, i] * r
            for i in range(lanes):
                p[i] *= share[i]
                total = y[i] + radiant[i] * p[i]
                heat[i] = min(max((heat_to[t] + zone[3, i]) * taken[i] - total, zero), zone[1, i])
                cool[i] = min(max(total - cool_to[t] * taken[i], zero), zone[2, i])
                air[i] = (total + heat[i] - cool[i]) / taken[i]
                mean[i] = p[i] + answer[i] * air[i]
            for e in range(elements):
                begin, end = starts[e], starts[e + 1] - 1
                for i in range(lanes):
                    state[end, i] = rest[end, i] + pivot[e, i] * (
                        film[e, i] * air[i] + surface[2, e, i] * mean[i]
                    )
                for n in range(end - 1, begin - 1, -1):
                    for i in range(lanes):
                        state[n, i] = rest[n, i] + chain[2, n, i] * state[n + 1, i]
                for i in range(lanes):
                    taking = drive[e, i] - surface[9, e, i] * state[begin, i]
                    sums[1, i] += part * surface[4, e, i] * taking
            for i in range(lanes):
                results[0, h, i] += part * heat[i]
                results[1, h, i] += part * cool[i]
                results[2, h, i] += part * air[i]
                results[3, h, i] += part * mean[i]
                sums[0, i] += part * ventilation[i] * (air[i] - outdoor[t])


@compiled
def advance_nodes(
    starts: npt.NDArray[np.intp],
    chain: Array,
    surface: Array,
    zone: Array,
    outside: Array,
    sun: Array,
    inside: Array,
    entering: Array,
    outdoor: Array,
    gains: Array,
    heat_to: Array,
    cool_to: Array,
    mode: npt.NDArray[np.intp],
    steps: int,
    first: int,
    last: int,
    state: Array,
    air: Array,
    root: Array,
    results: Array,
    sums: Array,
) -> None:
    """Hours `first` to `last` of one block.

    starts : the first node of each element, and the number of all, shape (element + 1,).
    chain : of each node, shape (3, node, lane): how its temperature before counts and what comes from
        outside of it (the node there, or for the outermost the heat flow of the surface [m²K/W]), and how the
        node inside of it counts. Of the innermost, whose pivot waits for the films: storage c/Δt, conductance
        to its neighbour, and both less what has been eliminated [W/(m²K)].
    surface : of each element, shape (10, element, lane): convection of a surface that is warmer and of one
        that is colder than the air [W/(m²K^4/3)], radiation inside [W/(m²K)], share of the inner surfaces,
        area [m²], absorbed share of the beam and of the diffuse light that enters, per area [1/m²],
        absorptance outside, conductance to the outdoor air, and to whatever is outside [W/(m²K)].
    zone : shape (4 + modes, lane): storage of the air C/Δt [W/K], largest heating and cooling power [W],
        added to the heating set-point [K], ventilation in each mode [W/K].
    outside : heat flow to the outer surfaces but from air and sun, shape (time, element). [W/m²]
    sun, inside : irradiance on outer, heat absorbed at inner surfaces, shape (time, element). [W/m²]
    entering : beam and diffuse light that enters, shape (2, time, lane). [W]
    outdoor [°C], heat_to, cool_to [°C], mode : shape (time,).
    gains : to the air [W] and to the surfaces [W/m²], shape (2, time, lane).
    steps : per hour.
    state : temperatures, shape (node, lane); air : shape (lane,); left as they end. [°C]
    root : cube root of the difference of each surface to the air, shape (element, lane): where Newton's
        method starts in the next hour. [K^1/3]
    results : heating, cooling [W], air and mean surface temperature [°C], shape (4, last − first, lane).
    sums : heat that ventilation takes and that enters by the outer surfaces, shape (2, lane), added to. [Wh]
    """
    if air.shape[0] == 64:  # whole blocks, whose loops the compiler then knows
        _advance(
            64, starts, chain, surface, zone, outside, sun, inside, entering, outdoor, gains, heat_to,
            cool_to, mode, steps, first, last, state, air, root, results, sums,
        )  # fmt: skip
    else:
        _advance(
            air.shape[0], starts, chain, surface, zone, outside, sun, inside, entering, outdoor, gains,
            heat_to, cool_to, mode, steps, first, last, state, air, root, results, sums,
        )  # fmt: skip
