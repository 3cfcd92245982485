"""Who may do what in compute: the rules of all nouns, joined."""

from __future__ import annotations

from .base import BASE
from .console import CONSOLE
from .flavor import FLAVOR
from .host import HOST
from .image import IMAGE
from .keypair import KEYPAIR
from .move import MOVE
from .network import NETWORK
from .quota import QUOTA
from .server import SERVER
from .volume import VOLUME

RULES = (*BASE, *SERVER, *MOVE, *CONSOLE, *FLAVOR, *KEYPAIR, *QUOTA, *HOST, *IMAGE, *NETWORK, *VOLUME)
