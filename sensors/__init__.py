"""Sensors: what the district measures. Filled by part 3 of the plan; imports `twin` only."""
