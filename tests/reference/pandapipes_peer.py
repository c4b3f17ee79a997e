"""Hours of a supply-and-return tree in pandapipes, run by the interpreter of the peer's own environment.

Usage: python pandapipes_peer.py IN.npz OUT.npz. Imports nothing of ours. IN: parent, length_m, diameter_mm,
u_value_w_mk, roughness_mm, station, heat_w (station, time), return_c, plant_c, ground_c (time,), law, and
fluid: heat capacity, density and viscosity, or nothing for pandapipes' water. OUT: supply_c, return_c,
flow_kg_s, lost_pa (node, time), seconds of the solver, and its water's properties; nan in hours that don't
converge.
"""

import sys
import time

import numpy as np
import pandapipes

ZERO_C = 273.15
BAR = 1e5


def main(source: str, target: str) -> None:
    given = dict(np.load(source))
    parent, nodes = given["parent"], len(given["parent"])
    net = pandapipes.create_empty_network(fluid=None if len(given["fluid"]) else "water")
    if len(given["fluid"]):
        heat_capacity, density, viscosity = (float(v) for v in given["fluid"])
        fluid = pandapipes.create_constant_fluid(
            "constant", "liquid", density=density, viscosity=viscosity, heat_capacity=heat_capacity,
            compressibility=1.0, der_compressibility=0.0, molar_mass=18.0,
        )  # fmt: skip
        net["fluid"] = fluid
    supply = pandapipes.create_junctions(net, nodes, pn_bar=10, tfluid_k=350)
    back = pandapipes.create_junctions(net, nodes, pn_bar=10, tfluid_k=330)
    pandapipes.create_circ_pump_const_pressure(
        net, back[0], supply[0], p_flow_bar=60, plift_bar=50, t_flow_k=ZERO_C + float(given["plant_c"][0])
    )
    for inward in (False, True):
        for i in range(1, nodes):
            side = back if inward else supply
            a, b = (side[i], side[parent[i]]) if inward else (side[parent[i]], side[i])
            d = float(given["diameter_mm"][i])
            per_area = float(given["u_value_w_mk"][i]) / (np.pi * d / 1000)
            pandapipes.create_pipe_from_parameters(
                net, a, b, length_km=float(given["length_m"][i]) / 1000, inner_diameter_mm=d,
                k_mm=float(given["roughness_mm"]), u_w_per_m2k=per_area,
                text_k=ZERO_C + float(given["ground_c"][0]),
            )  # fmt: skip
    for number, i in enumerate(given["station"]):
        pandapipes.create_heat_consumer(
            net, supply[i], back[i], qext_w=float(given["heat_w"][number, 0]),
            treturn_k=ZERO_C + float(given["return_c"][0]),
        )  # fmt: skip
    hours = given["heat_w"].shape[1]
    out = {name: np.zeros((nodes, hours)) for name in ("supply_c", "return_c", "flow_kg_s", "lost_pa")}
    seconds = np.zeros(hours)
    for hour in range(hours):
        net.circ_pump_pressure["t_flow_k"] = ZERO_C + float(given["plant_c"][hour])
        net.pipe["text_k"] = ZERO_C + float(given["ground_c"][hour])
        net.heat_consumer["qext_w"] = given["heat_w"][:, hour]
        net.heat_consumer["treturn_k"] = ZERO_C + float(given["return_c"][hour])
        start = time.perf_counter()
        try:
            pandapipes.pipeflow(
                net, mode="bidirectional", friction_model=str(given["law"]), iter=200, tol_p=1e-6, tol_m=1e-6,
                tol_T=1e-6, max_iter_colebrook=100,
            )  # fmt: skip
        except pandapipes.pf.pipeflow_setup.PipeflowNotConverged:
            seconds[hour] = np.nan
            for values in out.values():
                values[:, hour] = np.nan
            continue
        seconds[hour] = time.perf_counter() - start
        junction = net.res_junction
        p, t = junction["p_bar"].to_numpy(), junction["t_k"].to_numpy() - ZERO_C
        out["supply_c"][:, hour], out["return_c"][:, hour] = t[supply], t[back]
        out["lost_pa"][:, hour] = BAR * (p[supply[0]] - p[supply] + p[back] - p[back[0]])
        out["flow_kg_s"][1:, hour] = net.res_pipe["mdot_from_kg_per_s"].to_numpy()[: nodes - 1]
        out["flow_kg_s"][0, hour] = abs(net.res_circ_pump_pressure["mdot_from_kg_per_s"].to_numpy()[0])
    celsius = np.arange(1.0, 151.0)
    fluid = pandapipes.get_fluid(net)
    kelvin = celsius + ZERO_C
    np.savez(
        target, seconds=seconds, version=pandapipes.__version__, celsius=celsius,
        heat_capacity=np.broadcast_to(fluid.get_heat_capacity(kelvin), celsius.shape),
        density=np.broadcast_to(fluid.get_density(kelvin), celsius.shape),
        viscosity=np.broadcast_to(fluid.get_viscosity(kelvin), celsius.shape), **out,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
