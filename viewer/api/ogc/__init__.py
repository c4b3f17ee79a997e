"""OGC API – Features, parts 1 (17-069r4) and 2 (18-058r1): the public tables for other people's programs.

Everything served here comes from tables that `viewer.privacy` released; filters know their columns alone.
"""
