"""The heat network: layout, hours, losses, pump and who gets too little.

>>> network = energy.network.of_case(case)
>>> year = energy.network.solver(case, network)
>>> year.substations()
"""

from energy.network.chain import ConnectedHeat, connected_heat, of_case, simulate_network, with_losses
from energy.network.model import Network
from energy.network.operation import Operation
from energy.network.report import dataset, write
from energy.network.solver import FeedIn, NetworkYear, solve

__all__ = [
    "ConnectedHeat",
    "FeedIn",
    "Network",
    "NetworkYear",
    "Operation",
    "connected_heat",
    "dataset",
    "of_case",
    "simulate_network",
    "solve",
    "with_losses",
    "write",
]
