"""Users whom somebody else vouches for: providers, mappings, and the way from an assertion to a token."""
