"""The network suite and the cases with real packets on Linux bridges."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.conformance.guest import Guests
from stratolith.core.conformance.network import NetworkSuite
from stratolith.core.conformance.packet import PacketSuite
from stratolith.network.bridge.driver import Bridge

from .network_host import MetadataService, assert_clean, bridge_host, needs_root

pytestmark = [pytest.mark.live, needs_root]


@pytest.fixture(scope="class")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    """A driver whose host is a namespace; it must leave nothing there."""
    folder = tmp_path_factory.mktemp("bridge")
    with bridge_host(folder, metadata_socket=str(folder / "metadata.sock")) as made:
        yield made
        assert_clean(made)


class TestBridge(NetworkSuite):
    """Every case of the suite."""


class TestBridgePackets(PacketSuite):
    """Real packets between pretended guests."""

    @pytest.fixture
    def metadata(self, driver: Bridge) -> Iterator[list[dict[str, str]]]:
        """Requests that the metadata service got."""
        service = MetadataService(driver.options.metadata_socket)
        yield service.requests
        service.stop()
        Path(driver.options.metadata_socket).unlink()

    @pytest.fixture
    def guests(self, driver: Bridge, tmp_path: Path) -> Iterator[Guests]:
        """Guests on the driver's host."""
        made = Guests(driver.options.prefix, driver.options.host_namespace, tmp_path)
        yield made
        made.stop()
