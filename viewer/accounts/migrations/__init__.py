"""The schema of the accounts' database, version by version; `HEAD` is what this program works with."""

HEAD = "0003"
