"""Tests of Tempest that look into guests over ssh, with every feature claimed, on guests of QEMU."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import libvirt_host, tempest_cloud
from .network_host import ip, sweep

pytestmark = pytest.mark.live
LIST = Path(__file__).with_name("tempest_ssh.txt")
IDS = tempest_cloud.listed(LIST)


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What each test came to; only those that were selected are run."""
    ids = [item.callspec.params["name"] for item in request.session.items if item.path == request.path]
    if os.geteuid() != 0:
        pytest.fail("the live tests need root")
    tempest_cloud.program()
    folder = tmp_path_factory.mktemp("tempest")
    prefix = f"w{uuid.uuid4().hex[:3]}"
    with libvirt_host.running(folder / "libvirt", "tempest") as host:
        try:
            ip("netns", "attach", f"{prefix}-host", str(host.first_process()))
            yield tempest_cloud.run_inside(f"{prefix}-host", folder / "run", host.uri, prefix, ids, workers=2)
        finally:
            sweep(prefix)


@pytest.mark.parametrize("name", IDS)
def test_tempest(results: dict[str, str], name: str) -> None:
    assert results[name] == "ok", results[name]
