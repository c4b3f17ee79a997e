"""One module a version, each leading from the one before it."""
