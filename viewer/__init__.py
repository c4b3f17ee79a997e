"""The viewer: apps, public site, HTTP and the command line. Nothing imports it."""
