"""Measures: each takes a Case and gives a Case. One module, one line here; any callable works too."""

from scenarios.measures import envelope_retrofit

MEASURES = {"envelope_retrofit": envelope_retrofit}
