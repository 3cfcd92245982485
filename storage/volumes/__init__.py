"""Volume drivers: pools of block volumes."""
