"""Fernet tokens: small, encrypted, with rotating keys."""
