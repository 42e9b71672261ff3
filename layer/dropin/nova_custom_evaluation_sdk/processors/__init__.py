"""Functions as processors."""
