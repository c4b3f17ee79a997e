"""HTTP interfaces for other programs."""
