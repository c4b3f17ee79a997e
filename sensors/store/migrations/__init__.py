"""The database's schema, version by version; `HEAD` is what this program works with.

A change to `tables.py` needs a module in `versions` and its number here; tests hold the three equal.
"""

HEAD = "0001"
