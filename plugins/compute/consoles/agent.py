"""The agent that runs a host's console proxy and tells the control side where browsers find it."""

from __future__ import annotations

from typing import cast

from ....core.errors import BackendBusy, BadConfiguration
from ....core.process.slice import Agent, Kit
from ..agency import CONTROL_QUEUE, ComputeAgent, Control, agent_queue
from ..options import Options
from .pages import Pages
from .proxy import Found, Proxy
from .watch import EVERY_S, Watch

RETRY_S = 2.0
CONTROL_S = 10.0
AGENT_S = 20.0
ANYWHERE = ("", "0.0.0.0", "::")


class ConsoleProxies(Agent):
    """The proxy of this host's consoles, or of all hosts that the process plays.

    It runs where the guests run, in the agents' process or beside it, so that no console is on the network but
    through it.
    """

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._options = cast(Options, kit.options)
        self._hosts = list(self._options.hosts or (kit.host,))
        self._proxy: Proxy | None = None

    def start(self) -> None:
        address = self._options.console_listen
        try:
            url = self._listen(*_parsed(address)) if address and self._kit.executor.loops else ""
        except OSError as error:
            self._kit.log.warning("consoles cannot be reached through %s: %s", address, error)
            return
        self._announce(self._options.console_url or url)

    def stop(self) -> None:
        if self._proxy is not None:
            self._proxy.close()

    def _listen(self, host: str, port: int) -> str:
        """Begin to answer; return the address."""
        options = self._options
        self._proxy = Proxy(self._kit.clock, self._kit.executor, Pages((options.console_novnc, options.console_spice)),
                            self._find, options.console_sessions, options.console_url, options.console_origins)
        port = self._proxy.listen(host, port)
        self._kit.executor.every(EVERY_S, Watch(self._kit.clock, self._proxy.opened, self._may_stay).look)
        name = self._kit.host if host in ANYWHERE else f"[{host}]" if ":" in host else host
        return f"http://{name}:{port}"

    def _control(self) -> Control:
        return self._kit.mesh.reach(CONTROL_QUEUE, Control, CONTROL_S)

    def _announce(self, url: str) -> None:
        try:
            for host in self._hosts:
                self._control().console_proxy(self._kit.context(), host, url)
        except BackendBusy as busy:
            self._kit.log.warning("the control side is not there yet: %s", busy)
            self._kit.executor.later(RETRY_S, lambda: self._announce(url))

    def _may_stay(self, holders: list[str]) -> list[bool]:
        return self._control().open_consoles(self._kit.context(), holders)

    def _find(self, token: str) -> Found:
        """Take the token, and ask the guest's agent where the console is now."""
        context = self._kit.context()
        grant = self._control().redeem_console(context, self._hosts, token)
        agent = self._kit.mesh.reach(agent_queue(grant.host), ComputeAgent, AGENT_S)
        return agent.console(context, grant.guest, grant.kind), grant.holder


def _parsed(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise BadConfiguration(f"console_listen: {address!r} is no HOST:PORT")
    return host.strip("[]"), int(port)
