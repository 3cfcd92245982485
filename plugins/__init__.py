"""The services of the cloud, one vertical slice each."""
