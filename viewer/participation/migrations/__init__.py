"""The schema of the comments' database, version by version; `HEAD` is what this program works with."""

HEAD = "0002"
