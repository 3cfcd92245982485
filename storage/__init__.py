"""Where volumes and images are kept."""
