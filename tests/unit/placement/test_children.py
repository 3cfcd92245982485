"""Providers below a host's own: made with it, pruned with it, and in nobody's way."""

import pytest
import sqlalchemy as sa
from stratolith.core.errors import Conflict, InUse
from stratolith.core.services.placement import Child, Inventory, ResourceRequest
from stratolith.plugins.placement import inventory, provider

from .conftest import CONTEXT, HOST

AMOUNTS = {"VCPU": 1, "MEMORY_MB": 512}


def child(name, total=1, **more):
    return Child(id=f"a-{name}", name=f"host-a_{name}", inventories={"CUSTOM_CARD": Inventory(total=total)}, **more)


def applied(placement, *children):
    placement.apply_provider(CONTEXT, "a", "host-a", HOST, ["COMPUTE_NODE"], list(children))


def below(placement):
    with placement.db.read() as tx:
        return [one for one in provider.subtree(tx, "a", "a") if one != "a"]


def claim(placement, *parts):
    placement.claim(CONTEXT, "one", {"a": AMOUNTS, **{part: {"CUSTOM_CARD": 1} for part in parts}}, "p", "u", "")


def test_children_come_and_go_with_the_host(placement):
    applied(placement, child("x", traits=["CUSTOM_FAST"]), child("y"))
    assert sorted(below(placement)) == ["a-x", "a-y"]
    applied(placement, child("y", total=2))
    assert below(placement) == ["a-y"]
    with placement.db.read() as tx:
        assert inventory.of(tx, "a-y")["CUSTOM_CARD"].total == 2
    placement.apply_provider(CONTEXT, "a", "host-a", HOST, ["COMPUTE_NODE"])
    assert below(placement) == ["a-y"], "nothing was said of children"


def test_what_others_hung_below_stays(placement):
    with placement.db.write() as tx:
        provider.create(tx, placement.clock.now(), "z", "a card", "a")
    applied(placement)
    assert below(placement) == ["z"]


def test_a_child_in_use_stays_and_gives_no_more(placement):
    applied(placement, child("x", total=2))
    claim(placement, "a-x")
    applied(placement)
    assert below(placement) == ["a-x"]
    with pytest.raises(Conflict):
        placement.claim(CONTEXT, "two", {"a-x": {"CUSTOM_CARD": 1}}, "p", "u", "")
    placement.release(CONTEXT, "one")
    applied(placement)
    assert below(placement) == []


def test_a_child_that_cannot_change_stays_as_it_is_and_the_rest_of_the_host_does_not_wait(placement, caplog):
    applied(placement, child("x"), child("y"))
    claim(placement, "a-x")
    other = Child(id="a-x", name="host-a_other", inventories={"CUSTOM_OTHER": Inventory(total=1)}, traits=["CUSTOM_T"])
    more, told = {**HOST, "VCPU": Inventory(total=16)}, [other, child("y", total=3), child("z")]

    def apply():
        placement.apply_provider(CONTEXT, "a", "host-a", more, ["COMPUTE_NODE"], told)
        with placement.db.read() as tx:
            return {one: ({class_: row.total for class_, row in inventory.of(tx, one).items()}, provider.get(tx, one))
                    for one in ("a", "a-x", "a-y", "a-z")}
    found = apply()
    assert found["a"][0]["VCPU"] == 16
    assert (found["a-y"][0], found["a-z"][0]) == ({"CUSTOM_CARD": 3}, {"CUSTOM_CARD": 1})
    assert found["a-x"][0] == {"CUSTOM_CARD": 1}
    assert (found["a-x"][1].name, found["a-x"][1].traits) == ("host-a_x", "[]")
    assert "host-a_other stays as it is" in caplog.text
    assert "in use" in caplog.text
    placement.release(CONTEXT, "one")
    found = apply()["a-x"]
    assert (found[0], found[1].name, found[1].traits) == ({"CUSTOM_OTHER": 1}, "host-a_other", '["CUSTOM_T"]')


def test_a_child_whose_name_somebody_has_is_left_out(placement, caplog):
    with placement.db.write() as tx:
        provider.create(tx, placement.clock.now(), "z", "host-a_x")
    applied(placement, child("x"), child("y"))
    assert below(placement) == ["a-y"]
    assert "host-a_x already exists" in caplog.text


def test_claims_span_the_tree(placement):
    applied(placement, child("x"), child("y"))
    claim(placement, "a-x", "a-y")
    assert placement.allocations(CONTEXT, "one") == {"a": AMOUNTS, "a-x": {"CUSTOM_CARD": 1},
                                                     "a-y": {"CUSTOM_CARD": 1}}
    placement.move(CONTEXT, "one", "two")
    assert len(placement.allocations(CONTEXT, "two")) == 3
    placement.release(CONTEXT, "two")
    claim(placement, "a-x")


def test_a_host_goes_with_its_children_unless_one_is_in_use(placement):
    applied(placement, child("x"))
    placement.claim(CONTEXT, "one", {"a-x": {"CUSTOM_CARD": 1}}, "p", "u", "")
    with pytest.raises(InUse):
        placement.delete_provider(CONTEXT, "a")
    assert below(placement) == ["a-x"]
    placement.release(CONTEXT, "one")
    placement.delete_provider(CONTEXT, "a")
    placement.delete_provider(CONTEXT, "a")
    with placement.db.read() as tx:
        assert provider.find(tx, "a") is None is provider.find(tx, "a-x")


def test_children_do_not_slow_down_who_does_not_ask_for_them(placement):
    applied(placement, *(child(str(number)) for number in range(20)))
    seen = []
    sa.event.listen(placement.db.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    found = placement.candidates(CONTEXT, ResourceRequest(resources=AMOUNTS))
    assert [one.provider for one in found] == ["a", "b"]
    assert len([one for one in seen if one.startswith("SELECT")]) <= 3
    asked = ResourceRequest(resources={**AMOUNTS, "CUSTOM_CARD": 1})
    assert [list(one.allocations) for one in placement.candidates(CONTEXT, asked)] == [["a", "a-0"]]
