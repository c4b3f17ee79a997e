"""The hours of a heat network: flows that bring each substation its heat, by Newton's method on a tree.

Flow of a substation: m·(h(T_s) − h(T_r)) = Q, where T_s rises with every flow on the way. All flows are
solved together; the linear system of Newton's method is, on a tree, one elimination from the ends to the
plant and back (`newton`). An hour is done when each flow brings its heat, never after a number of sweeps.
A network is quasi-steady within the hour, so hours do not depend on each other and run side by side.
"""

from __future__ import annotations

import numpy as np

from energy.network.sweep import (
    add_row,
    back_outwards,
    chain,
    gather,
    inwards,
    join,
    let_out,
    lost,
    outwards,
    start_mix,
)
from energy.network.water import LANES, NO_FLOW, Array, Indices, Polynomial, compiled, enthalpy, value
from twin.compute import put_row

SMALL_DROP = 2e4  # enthalpy that a kg gives at least where Newton's slope is taken, about 5 K [J/kg]


@compiled
def demand(
    cp: Polynomial,
    station: Indices,
    t: Array,
    aim: Array,
    load: Array,
    least: Array,
    most: Array,
    flow: Array,
    gap: Array,
    fall: Array,
    node_gap: Array,
    node_fall: Array,
    worst: Array,
) -> None:
    """What each substation's flow lacks (`gap`, kg/s) and how that falls with the temperature (`fall`).

    gap, fall : shape (station, lane), also summed per node.  worst : largest relative gap, raised.
    """
    lacks = np.zeros(LANES)
    falls = np.zeros(LANES)
    bad = np.zeros(LANES)
    node_gap[:] = 0.0
    node_fall[:] = 0.0
    for s in range(len(station)):
        i = station[s]
        temperature, target, heat, now, low, high = t[i], aim[s], load[s], flow[s], least[s], most[s]
        for k in range(LANES):
            per_kg = enthalpy(cp, temperature[k]) - enthalpy(cp, target[k])
            safe = max(per_kg, SMALL_DROP)
            lack = (heat[k] - now[k] * per_kg) / safe
            shut = (lack < 0.0 and now[k] <= low) or (lack > 0.0 and now[k] >= high)
            lacks[k] = 0.0 if shut else lack
            falls[k] = 0.0 if shut else now[k] * value(cp, temperature[k]) / safe
            bad[k] = max(bad[k], abs(lacks[k]) / max(now[k], 1e-6))
        put_row(gap[s], lacks)
        put_row(fall[s], falls)
        a, b = node_gap[i], node_fall[i]
        for k in range(LANES):
            a[k] += lacks[k]
        for k in range(LANES):
            b[k] += falls[k]
    for k in range(LANES):
        worst[k] = max(worst[k], bad[k])


@compiled
def newton(
    step: float,
    parent: Indices,
    station: Indices,
    slope: Array,
    keep: Array,
    gap: Array,
    fall: Array,
    node_gap: Array,
    node_fall: Array,
    rise: Array,
    least: Array,
    most: Array,
    flow: Array,
) -> None:
    """Newton step of all flows: ΔM = Σ (gap − fall·ΔT), ΔT = keep·ΔT_parent + slope·ΔM, solved on the tree.

    From the ends inwards each subtree becomes ΔM = a − b·ΔT_parent, then ΔT (`rise`) follows outwards.
    """
    a = np.empty(LANES)
    b = np.empty(LANES)
    for i in range(len(parent) - 1, 0, -1):
        p = parent[i]
        lack, less, by_flow, kept = node_gap[i], node_fall[i], slope[i], keep[i]
        for k in range(LANES):
            part = 1.0 / max(1.0 + less[k] * by_flow[k], 0.5)
            a[k] = lack[k] * part
            b[k] = less[k] * kept[k] * part
        put_row(node_gap[i], a)
        put_row(node_fall[i], b)
        to_gap, to_fall = node_gap[p], node_fall[p]
        for k in range(LANES):
            to_gap[k] += a[k]
        for k in range(LANES):
            to_fall[k] += b[k]
    rise[0] = 0.0
    for i in range(1, len(parent)):
        before, lack, less, by_flow, kept = rise[parent[i]], node_gap[i], node_fall[i], slope[i], keep[i]
        for k in range(LANES):
            a[k] = kept[k] * before[k] + by_flow[k] * (lack[k] - less[k] * before[k])
        put_row(rise[i], a)
    for s in range(len(station)):
        lack, less, now, warmer, low, high = gap[s], fall[s], flow[s], rise[station[s]], least[s], most[s]
        for k in range(LANES):
            b[k] = min(max(now[k] + step * (lack[k] - less[k] * warmer[k]), 0.3 * now[k], low), high)
        put_row(flow[s], b)


@compiled
def take(values: Array, begin: int, used: int, out: Array) -> None:
    """Columns from `begin` of `values` (row, time) into `out` (row, lane); the last one fills the rest."""
    rows = values.shape[0]
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = values[min(i, rows - 1), begin + min(k, used - 1)]


@compiled
def feed(
    cp: Polynomial,
    feeder: Indices,
    heat: Array,
    feed_c: Array,
    r: Array,
    warming: Array,
    drawn: Array,
    fed: Array,
    share: Array,
    worst: Array,
) -> None:
    """Flows of the feed-ins for what comes back to them, and the share that the network can take.

    A feed-in gives all the flow that the substations draw, at most: the plant takes nothing back.
    """
    given = np.zeros_like(drawn)
    for j in range(len(feeder)):
        i = feeder[j]
        for k in range(len(drawn)):
            per_kg = enthalpy(cp, feed_c[j, k]) - enthalpy(cp, r[i, k])
            safe = max(per_kg, SMALL_DROP)
            lack = (heat[j, k] - fed[j, k] * per_kg) / safe
            slope = 1.0 - share[k] * fed[j, k] * warming[i, k] * value(cp, r[i, k]) / safe
            lack = lack if share[k] == 1.0 else heat[j, k] / safe - fed[j, k]
            worst[k] = max(worst[k], abs(lack) / max(fed[j, k], 1e-6))
            fed[j, k] += lack / (max(slope, 0.3) if share[k] == 1.0 else 1.0)
            given[k] += fed[j, k]
    for k in range(len(drawn)):
        share[k] = min(1.0, drawn[k] / max(given[k], NO_FLOW))


@compiled
def put(values: Array, begin: int, used: int, out: Array) -> None:
    """The reverse of `_take`."""
    for i in range(values.shape[0]):
        for k in range(used):
            out[i, begin + k] = values[i, k]


@compiled
def start_flow(
    cp: Polynomial,
    plant: Array,
    load: Array,
    aim: Array,
    ratio: Array,
    least: Array,
    most: Array,
    flow: Array,
) -> None:
    """First flows: as if the plant's temperature arrived, times how that was wrong the day before."""
    out = np.empty(LANES)
    for s in range(load.shape[0]):
        heat, target, wrong, low, high = load[s], aim[s], ratio[s], least[s], most[s]
        for k in range(LANES):
            per_kg = max(enthalpy(cp, plant[k]) - enthalpy(cp, target[k]), 10.0)
            out[k] = min(max(wrong[k] * heat[k] / per_kg, low), high)
        put_row(flow[s], out)


@compiled
def keep_ratio(cp: Polynomial, plant: Array, load: Array, aim: Array, flow: Array, ratio: Array) -> None:
    """Flows over those with the plant's temperature, for `_start_flow`."""
    out = np.empty(LANES)
    for s in range(load.shape[0]):
        heat, target, now = load[s], aim[s], flow[s]
        for k in range(LANES):
            per_kg = max(enthalpy(cp, plant[k]) - enthalpy(cp, target[k]), 10.0)
            out[k] = now[k] * per_kg / heat[k] if heat[k] > 0.0 else 1.0
        put_row(ratio[s], out)


@compiled
def hours(
    parent: Indices,
    loss: Array,
    cp: Polynomial,
    station: Indices,
    heat: Array,
    back: Array,
    least: Array,
    most: Array,
    plant_c: Array,
    ground_c: Array,
    feeder: Indices,
    feed_heat: Array,
    feed_c: Array,
    tolerance: float,
    most_sweeps: int,
    first: int,
    last: int,
    flow_out: Array,
    supply_out: Array,
    return_out: Array,
    station_flow: Array,
    served_out: Array,
    feed_out: Array,
    feed_flow: Array,
    totals: Array,
    pipe_loss: Array,
) -> None:
    """Hours `first` to `last`: flows and temperatures until each hour's residual is below `tolerance`.

    parent, loss [W/K] : shape (node,); station, least, most [kg/s] : (station,); feeder : (feeder,).
    heat [W] : (station, time); back [°C] : (station, time) or (1, time); feed_heat [W], feed_c [°C] :
    (feeder, time); plant_c, ground_c [°C] : (1, time).
    Results: flow_out [kg/s], supply_out, return_out [°C] : (node, time); station_flow [kg/s], served_out
    [W] : (station, time); feed_out [W], feed_flow [kg/s] : (feeder, time); totals, shape (5, time): heat of
    the plant, losses of supply and return [W], residual, sweeps; pipe_loss, added to, shape (2, node):
    losses of supply and return, summed over the hours. [Wh]
    """
    nodes, stations, feeders = len(parent), len(station), len(feeder)
    m = np.zeros((nodes, LANES))
    t = np.zeros((nodes, LANES))
    end = np.zeros((nodes, LANES))
    slope = np.zeros((nodes, LANES))
    keep = np.zeros((nodes, LANES))
    r = np.zeros((nodes, LANES))
    r_end = np.zeros((nodes, LANES))
    node_gap = np.zeros((nodes, LANES))
    node_fall = np.zeros((nodes, LANES))
    rise = np.zeros((nodes, LANES))
    spare = np.zeros((nodes, LANES))
    warming = np.zeros((nodes, LANES))
    mix = np.zeros((3, nodes, LANES))
    flow = np.ones((stations, LANES))
    load = np.ones((stations, LANES))
    aim = np.ones((stations, LANES))
    ratio = np.ones((stations, LANES))
    served = np.ones((stations, LANES))
    gap = np.ones((stations, LANES))
    fall = np.ones((stations, LANES))
    fed = np.ones((feeders, LANES))
    feed_w = np.ones((feeders, LANES))
    feed_t = np.ones((feeders, LANES))
    plant = np.zeros((1, LANES))
    ground = np.zeros((1, LANES))
    worst = np.zeros(LANES)
    drawn = np.zeros(LANES)
    share = np.zeros(LANES)
    leaving = np.zeros(LANES)
    r[:] = back[0, first]
    for begin in range(first, last, LANES):
        used = min(LANES, last - begin)
        take(plant_c, begin, used, plant)
        take(ground_c, begin, used, ground)
        take(heat, begin, used, load)
        take(back, begin, used, aim)
        take(feed_heat, begin, used, feed_w)
        take(feed_c, begin, used, feed_t)
        start_flow(cp, plant[0], load, aim, ratio, least, most, flow)
        sweeps = 0
        while True:
            sweeps += 1
            m[:], worst[:] = 0.0, 0.0
            for s in range(stations):
                add_row(m[station[s]], flow[s], 1.0)
            if feeders:
                drawn[:] = 0.0
                for s in range(stations):
                    add_row(drawn, flow[s], 1.0)
                feed(cp, feeder, feed_w, feed_t, r, warming, drawn, fed, share, worst)
                start_mix(cp, ground[0], mix)
                for j in range(feeders):
                    for k in range(LANES):
                        leaving[k] = fed[j, k] * share[k]
                    add_row(m[feeder[j]], leaving, -1.0)
                    join(cp, mix, feeder[j], leaving, feed_t[j])
                gather(parent, m)
                for k in range(LANES):
                    leaving[k] = max(m[0, k], 0.0)
                join(cp, mix, 0, leaving, plant[0])
                inwards(parent, loss, cp, ground[0], m, 1.0, mix, t, end)
                back_outwards(parent, loss, cp, ground[0], m, 1.0, mix, t, end, slope, keep)
            else:
                gather(parent, m)
                put_row(t[0], plant[0])
                outwards(parent, loss, cp, ground[0], m, t, slope, keep)
            demand(cp, station, t, aim, load, least, most, flow, gap, fall, node_gap, node_fall, worst)
            done = worst.max() < tolerance or sweeps >= most_sweeps
            if feeders or done:
                start_mix(cp, ground[0], mix)
                let_out(cp, station, t, aim, load, flow, served, mix)
                inwards(parent, loss, cp, ground[0], m, -1.0, mix, r, r_end)
            if feeders:
                back_outwards(parent, loss, cp, ground[0], m, -1.0, mix, r, r_end, warming, spare)
                chain(parent, spare, warming)
            if done:
                break
            newton(
                1.0 if sweeps < 20 else 5.0 / (sweeps - 15.0),
                parent,
                station,
                slope,
                keep,
                gap,
                fall,
                node_gap,
                node_fall,
                rise,
                least,
                most,
                flow,
            )
        keep_ratio(cp, plant[0], load, aim, flow, ratio)
        supply_end = end if feeders else t
        lost(parent, cp, m, 1.0, t, supply_end, used, drawn, pipe_loss[0])
        lost(parent, cp, m, -1.0, r, r_end, used, leaving, pipe_loss[1])
        for k in range(used):
            h = begin + k
            gain = enthalpy(cp, plant[0, k]) - enthalpy(cp, r[0, k])
            totals[0, h], totals[1, h], totals[2, h] = max(m[0, k], 0.0) * gain, drawn[k], leaving[k]
            totals[3, h], totals[4, h] = worst[k], sweeps
            for j in range(feeders):
                gain = enthalpy(cp, feed_t[j, k]) - enthalpy(cp, r[feeder[j], k])
                feed_flow[j, h], feed_out[j, h] = fed[j, k] * share[k], fed[j, k] * share[k] * gain
        put(m, begin, used, flow_out)
        put(t, begin, used, supply_out)
        put(r, begin, used, return_out)
        put(flow, begin, used, station_flow)
        put(served, begin, used, served_out)
