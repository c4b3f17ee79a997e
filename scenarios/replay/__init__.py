"""A simulated feed for the sample district: labelled, from the model, with noise, gaps and a failing sensor.

`selection` chooses what is measured, `things` describes it, `model` simulates it and `feed` writes it into a
store. Nothing of it was measured; each Thing says so in its name, its description and its flag `simulated`.
"""

from scenarios.replay.feed import SOURCE, Replay

__all__ = ["SOURCE", "Replay"]
