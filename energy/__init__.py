"""The energy of a district: weather, thermal simulation, supply, primary energy, CO2 and cost."""

from energy import archetypes, network, parameters, weather
from energy.case import Case
from energy.derivation import trace
from energy.results import simulate_to_file, write
from energy.simulate import simulate
from energy.yearly import annual

__all__ = [
    "Case",
    "annual",
    "archetypes",
    "network",
    "parameters",
    "simulate",
    "simulate_to_file",
    "trace",
    "weather",
    "write",
]
