"""Network v2.0: networks, subnets, ports, security groups, routers and metadata."""
