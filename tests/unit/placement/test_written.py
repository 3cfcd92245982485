"""Candidates that the database writes say what those say that are put together row by row."""

import msgspec
import pytest
from stratolith.core.services.placement import Inventory
from stratolith.plugins.placement import candidate, written
from stratolith.plugins.placement.api import flat

from .conftest import CONTEXT, HOST

ASKS = [candidate.Ask({"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 5}), candidate.Ask({"MEMORY_MB": 1}, limit=1),
        candidate.Ask({"VCPU": 99})]


def row_by_row(placement, ask, version):
    with placement.db.read() as tx:
        rows = candidate.find(tx, ask)
    requests = flat.requests(version, [row[0] for row in rows], ask.resources)
    return [msgspec.json.decode(one) for one in (requests, flat.summaries(version, rows, list(ask.resources)))]


@pytest.mark.parametrize("version", [(1, 10), (1, 12), (1, 17), (1, 29), (1, 34), (1, 39)])
@pytest.mark.parametrize("ask", ASKS, ids=("all", "one", "none"))
def test_the_database_writes_what_is_said_otherwise(placement, ask, version):
    request = flat.request_template(version, ask.resources)
    summary = flat.summary_template(version, list(ask.resources))
    with placement.db.read() as tx:
        assert written.able(tx)
        body = flat.written(*written.texts(tx, ask, request, summary, flat.ends(version)))
    assert [msgspec.json.decode(one) for one in body.values()] == row_by_row(placement, ask, version)


def test_other_classes_are_seen_below_between_and_above(placement):
    def is_all(*names):
        with placement.db.read() as tx:
            return written.is_all(tx, candidate.Ask(dict.fromkeys(names, 1)))
    assert is_all("VCPU", "MEMORY_MB", "DISK_GB")
    for missing in HOST:
        assert not is_all(*(name for name in HOST if name != missing))
    placement.apply_provider(CONTEXT, "b", "host-b", {**HOST, "CUSTOM_FPGA": Inventory(total=1)}, ["COMPUTE_NODE"])
    assert not is_all("VCPU", "MEMORY_MB", "DISK_GB")
