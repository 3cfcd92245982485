"""Signed tokens (JSON Web Signature): whoever has the public keys checks them without asking."""
