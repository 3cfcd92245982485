"""Identity backends, token formats and middleware."""
