"""Token formats: how tokens are written and read."""
