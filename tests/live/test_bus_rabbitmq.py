"""The bus suite on a real RabbitMQ."""

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.bus import BusSuite
from stratolith.core.conformance.runner import opened, registry

from .backing import rabbitmq

pytestmark = pytest.mark.live


class TestRabbitMQ(BusSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls, tmp_path_factory):
        with rabbitmq() as url:
            configuration = Configuration({"bus.kombu": {"url": url}})
            yield from opened(registry("bus").load("kombu"), "bus.kombu", configuration,
                              tmp_path_factory.mktemp("bus"))
