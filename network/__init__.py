"""Network drivers: how ports are wired."""
