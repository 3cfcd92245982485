"""Which services and agents run in this process, and how they start, drain and stop."""
