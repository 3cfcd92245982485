"""``python -m stratolith.core.cli`` is the command ``stratolith``."""

from .main import main

main()
