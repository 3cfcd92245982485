"""Where the plugins of identity are found."""

from ...core.drivers.assertion import AssertionSource
from ...core.drivers.identity import Identity
from ...core.drivers.token import TokenFormat
from ...core.plugins import Registry

BACKENDS: Registry[Identity] = Registry("identity", Identity)
ASSERTIONS: Registry[AssertionSource] = Registry("assertions", AssertionSource)
FORMATS: Registry[TokenFormat] = Registry("tokens", TokenFormat)
