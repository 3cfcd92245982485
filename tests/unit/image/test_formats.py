"""Image formats are told from their first bytes."""

import pytest
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.db.migrate import differences
from stratolith.core.db.upgrade import upgrade
from stratolith.plugins.image.formats import Inspection, detect
from stratolith.plugins.image.states import FLOW, NEXT
from stratolith.plugins.image.tables import SCHEMA


@pytest.mark.parametrize(("head", "kind"), [
    (b"", "raw"), (b"QFI\xfb", "qcow2"), (b"QED\0", "qed"), (b"vhdxfile", "vhdx"), (b"conectix", "vhd"),
    (bytes(0x8001) + b"CD001", "iso"), (bytes(64) + b"\x7f\x10\xda\xbe", "vdi"), (b"LUKS\xba\xbe", "luks"),
    (bytes(446) + b"\x80" + bytes(3) + b"\xee" + bytes(59) + b"\x55\xaa", "gpt"), (bytes(510) + b"\x55\xaa", "raw")])
def test_detect(head, kind):
    assert detect(head) == kind


def test_small_chunks_pass_unchanged():
    data = [b"a", b"b" * 40000, b"c"]
    assert list(Inspection("raw", True).pass_on(data)) == data
    assert list(Inspection("raw", True).pass_on([])) == []


def test_every_state_is_left_and_reached():
    states = {state for state, _, _ in FLOW} | {to for _, _, to in FLOW}
    for state in ("saving", "importing", "uploading"):
        assert (state, "failed") in NEXT
    assert states == {"queued", "saving", "uploading", "importing", "active", "deactivated"}


def test_migrations_make_the_tables():
    database = Database(DatabaseOptions(), "sqlite://")
    upgrade(database, SCHEMA)
    assert differences(database, SCHEMA) == []
