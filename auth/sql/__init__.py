"""Users and groups in the cloud's own database."""
