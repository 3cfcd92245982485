"""Networks that are only remembered."""
