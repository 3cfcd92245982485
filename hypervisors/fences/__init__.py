"""Ways to make sure that a host runs nothing any more."""
