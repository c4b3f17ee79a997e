"""Sweeps over the tree of a heat network: temperatures from flows, for `LANES` hours side by side.

Nodes are numbered from the plant (0) outwards; the pipe of node i leads to `parent[i]` and carries `m[i]`
towards i in the supply and the same flow back in the return. Negative: a feed-in has turned it round.
Arrays have shape (node, lane), hours being lanes.

T_out = T_g + (T_in − T_g)·exp(−U·L/(|m|·c)), c the mean over the pipe; flows mix by enthalpy.

Loops over lanes write to arrays made in the same function where they read several others: only then does the
compiler know that they do not overlap, and runs lanes together.
"""

from __future__ import annotations

import numpy as np

from energy.network.water import (
    LANES,
    NO_FLOW,
    Array,
    Indices,
    Polynomial,
    compiled,
    enthalpy,
    outflow,
    outlet,
    value,
)
from twin.compute import put_row


@compiled
def add_row(to: Array, of: Array, sign: float) -> None:
    """`to` += `sign` · `of`, one figure per lane."""
    for k in range(LANES):
        to[k] += sign * of[k]


@compiled
def gather(parent: Indices, m: Array) -> None:
    """Flows drawn at nodes become flows in the pipes towards them; shape (node, lane), in place."""
    for i in range(len(parent) - 1, 0, -1):
        add_row(m[parent[i]], m[i], 1.0)


@compiled
def outwards(
    parent: Indices, loss: Array, cp: Polynomial, ground: Array, m: Array, t: Array, slope: Array, keep: Array
) -> None:
    """Supply temperatures `t` where all water comes from the plant, t[0] given; shape (node, lane). [°C]

    slope : change of the temperature with the flow of the pipe. [K/(kg/s)]
    keep : change of the temperature with that at the pipe's start. [-]
    """
    now = np.empty(LANES)
    by_flow = np.empty(LANES)
    kept = np.empty(LANES)
    g = ground.copy()
    for i in range(1, len(parent)):
        start, flows, u = t[parent[i]], m[i], loss[i]
        for k in range(LANES):
            flow, inlet = max(flows[k], NO_FLOW), start[k]
            arriving, x, share = outlet(cp, inlet, g[k], u, flow)
            now[k] = arriving
            by_flow[k] = (inlet - g[k]) * x * share / flow
            kept[k] = share
        put_row(t[i], now)
        put_row(slope[i], by_flow)
        put_row(keep[i], kept)


@compiled
def add(mix: Array, i: int, flow: Array, t: Array, heat: Array) -> None:
    """Add `flow` of temperature `t` that brings `heat` to the sums of node i."""
    a, b, c = mix[0, i], mix[1, i], mix[2, i]
    for k in range(LANES):
        a[k] += flow[k]
    for k in range(LANES):
        b[k] += flow[k] * t[k]
    for k in range(LANES):
        c[k] += heat[k]


@compiled
def join(cp: Polynomial, mix: Array, i: int, flow: Array, t: Array) -> None:
    """Add `flow` of temperature `t` to the sums of node i: Σ m, Σ m·T, Σ m·h; mix: shape (3, node, lane)."""
    heat = np.empty(LANES)
    for k in range(LANES):
        heat[k] = flow[k] * enthalpy(cp, t[k])
    add(mix, i, flow, t, heat)


@compiled
def start_mix(cp: Polynomial, ground: Array, mix: Array) -> None:
    """Nearly nothing at ground temperature in each node: what a node without flow has."""
    heat = np.empty(LANES)
    for k in range(LANES):
        heat[k] = NO_FLOW * enthalpy(cp, ground[k])
    for i in range(mix.shape[1]):
        mix[0, i] = NO_FLOW
        for k in range(LANES):
            mix[1, i, k] = NO_FLOW * ground[k]
        mix[2, i] = heat


@compiled
def inwards(
    parent: Indices,
    loss: Array,
    cp: Polynomial,
    ground: Array,
    m: Array,
    sign: float,
    mix: Array,
    t: Array,
    end: Array,
) -> None:
    """Temperatures from what enters the nodes (`mix`), from the ends towards the plant.

    Settles every node whose water comes from below: in the return (sign −1) all, where no feed-in turns the
    flow round; in the supply (sign 1) those that feed-ins serve. end : temperature at the pipe's end.
    """
    here = np.empty(LANES)
    flow = np.empty(LANES)
    arriving = np.empty(LANES)
    brought = np.empty(LANES)
    g = ground.copy()
    for i in range(len(parent) - 1, -1, -1):
        a, b, c = mix[0, i], mix[1, i], mix[2, i]
        for k in range(LANES):
            part = 1.0 / a[k]
            first = b[k] * part
            here[k] = first - (enthalpy(cp, first) - c[k] * part) / value(cp, first)
        out = t[i]
        for k in range(LANES):
            out[k] = here[k]
        if i == 0:
            break
        flows, u, a, b, c = m[i], loss[i], mix[0, parent[i]], mix[1, parent[i]], mix[2, parent[i]]
        for k in range(LANES):
            flow[k] = max(-sign * flows[k], 0.0)
        for k in range(LANES):
            arriving[k] = outlet(cp, here[k], g[k], u, max(flow[k], NO_FLOW))[0]
        for k in range(LANES):
            brought[k] = flow[k] * enthalpy(cp, arriving[k])
        out = end[i]
        for k in range(LANES):
            out[k] = arriving[k]
        for k in range(LANES):
            a[k] += flow[k]
        for k in range(LANES):
            b[k] += flow[k] * arriving[k]
        for k in range(LANES):
            c[k] += brought[k]


@compiled
def back_outwards(
    parent: Indices,
    loss: Array,
    cp: Polynomial,
    ground: Array,
    m: Array,
    sign: float,
    mix: Array,
    t: Array,
    end: Array,
    slope: Array,
    keep: Array,
) -> None:
    """The rest after `_inwards`: nodes whose water comes from the plant's side. As `_outwards`, mixed."""
    flow = np.empty(LANES)
    arriving = np.empty(LANES)
    by_flow = np.empty(LANES)
    kept = np.empty(LANES)
    here = np.empty(LANES)
    g = ground.copy()
    for i in range(1, len(parent)):
        start, flows, u, held, held_t, held_h = t[parent[i]], m[i], loss[i], mix[0, i], mix[1, i], mix[2, i]
        for k in range(LANES):
            flow[k] = max(sign * flows[k], 0.0)
        for k in range(LANES):
            some, inlet = max(flow[k], NO_FLOW), start[k]
            out, x, share = outlet(cp, inlet, g[k], u, some)
            arriving[k] = out
            by_flow[k] = (inlet - g[k]) * x * share / some
            kept[k] = share
        for k in range(LANES):
            part = 1.0 / (flow[k] + held[k])
            first = (held_t[k] + flow[k] * arriving[k]) * part
            heat = held_h[k] + flow[k] * enthalpy(cp, arriving[k])
            here[k] = first - (enthalpy(cp, first) - heat * part) / value(cp, first)
            by_flow[k] = by_flow[k] * flow[k] * part + (
                (arriving[k] - here[k]) * part if flow[k] > 0.0 else 0.0
            )
            kept[k] *= flow[k] * part
        now, turned = t[i], end[i]
        for k in range(LANES):
            now[k] = here[k]
        for k in range(LANES):
            turned[k] = arriving[k] if flow[k] > 0.0 else turned[k]
        now, turned = slope[i], keep[i]
        for k in range(LANES):
            now[k] = by_flow[k]
        for k in range(LANES):
            turned[k] = kept[k]


@compiled
def chain(parent: Indices, keep: Array, slope: Array) -> None:
    """`slope` of each pipe's own flow becomes that of all flows from the plant together, in place."""
    slope[0] = 0.0
    for i in range(1, len(parent)):
        before, kept, now = slope[parent[i]], keep[i], slope[i]
        for k in range(LANES):
            now[k] += kept[k] * before[k]


@compiled
def let_out(
    cp: Polynomial,
    station: Indices,
    t: Array,
    aim: Array,
    load: Array,
    flow: Array,
    served: Array,
    mix: Array,
) -> None:
    """What the substations take and let into the return; `served` [W], shape (station, lane)."""
    out = np.empty(LANES)
    given = np.empty(LANES)
    for s in range(len(station)):
        i = station[s]
        temperature, target, heat, now = t[i], aim[s], load[s], flow[s]
        for k in range(LANES):
            per_kg = max(enthalpy(cp, temperature[k]) - enthalpy(cp, target[k]), 0.0)
            given[k] = min(heat[k], now[k] * per_kg)
            out[k] = outflow(cp, temperature[k], given[k], now[k])
        put_row(served[s], given)
        join(cp, mix, i, now, out)


@compiled
def lost(
    parent: Indices,
    cp: Polynomial,
    m: Array,
    sign: float,
    t: Array,
    end: Array,
    used: int,
    lost: Array,
    loss: Array,
) -> None:
    """Heat lost in pipes: over the nodes into `lost` (lane,), over `used` hours added to `loss` (node,)."""
    each = np.zeros(LANES)
    total = np.zeros(LANES)
    for i in range(1, len(parent)):
        flows, near, far, out = m[i], t[parent[i]], t[i], end[i]
        for k in range(LANES):
            inlet = near[k] if sign * flows[k] > 0.0 else far[k]
            each[k] = abs(flows[k]) * (enthalpy(cp, inlet) - enthalpy(cp, out[k]))
            total[k] += each[k]
        for k in range(used):
            loss[i] += each[k]
    put_row(lost, total)
