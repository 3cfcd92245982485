"""The stratolith command; its subcommands are entry points."""
