"""Fitting guests into hosts: examples of each rule, and properties of any fit."""

import hypothesis
import hypothesis.strategies as st
import msgspec
import pytest
from stratolith.core.drivers.fitting import fit, left
from stratolith.core.drivers.topology import (
    CellWish,
    DeviceWish,
    FreeCell,
    Pages,
    PciDevice,
    Room,
    TopologyWish,
    cpu_list,
    cpu_text,
)

CORES = ((0, 4), (1, 5), (2, 6), (3, 7))


def cell(id=0, **more):
    return FreeCell(**{"id": id, "memory_mib": 4096, "most_memory_mib": 4096, **more})


def pinned(count, memory_mib=512, thread_policy="", cells=1, page=""):
    each = count // cells
    return TopologyWish(thread_policy=thread_policy, page=page, cells=tuple(
        CellWish(cpus=tuple(range(n * each, n * each + each)), dedicated=tuple(range(n * each, n * each + each)),
                 memory_mib=memory_mib) for n in range(cells)))


def cpus(seat):
    return sorted(cpu for one in seat.cells for _, cpu in one.pins)


def device(address, node=None, **more):
    return PciDevice(**{"address": address, "vendor_id": "10de", "product_id": "1db6", "node": node,
                        "resource_class": "CUSTOM_PCI_10DE_1DB6", "provider": address, **more})


def wish(count=1, **more):
    return DeviceWish(**{"alias": "gpu", "count": count, "resource_class": "CUSTOM_PCI_10DE_1DB6", **more})


@pytest.mark.parametrize(("text", "cpus"), [("", ()), ("3", (3,)), ("0-3,^2,8", (0, 1, 3, 8)), (" 1 , 2 ", (1, 2)),
                                            ("5-4", ())])
def test_lists_of_processors(text, cpus):
    assert cpu_list(text) == cpus
    assert cpu_list(cpu_text(cpus)) == cpus


@pytest.mark.parametrize("text", ["a", "1-", "-1", "1;2", "^^1"])
def test_what_is_no_list(text):
    with pytest.raises(ValueError, match="no list of processors"):
        cpu_list(text)


def test_each_virtual_processor_gets_one_of_the_hosts():
    seat = fit(Room(cells=(cell(dedicated=(2, 3, 5)),)), pinned(3))
    assert seat.cells[0].pins == ((0, 2), (1, 3), (2, 5))
    assert seat.taken == {2, 3, 5}
    assert fit(Room(cells=(cell(dedicated=(2, 3, 5)),)), pinned(4)) is None


def test_processors_of_one_cell_are_not_taken_from_two():
    room = Room(cells=(cell(0, dedicated=(0, 1)), cell(1, dedicated=(2, 3))))
    assert fit(room, pinned(3)) is None
    seat = fit(room, pinned(4, cells=2))
    assert {one.node for one in seat.cells} == {0, 1}
    assert cpus(seat) == [0, 1, 2, 3]


def test_two_cells_of_a_guest_never_share_one_of_the_host():
    assert fit(Room(cells=(cell(dedicated=tuple(range(8))),)), pinned(4, cells=2)) is None


def test_without_a_policy_whole_cores_go_first():
    seat = fit(Room(cells=(cell(dedicated=(0, 1, 5, 2, 6, 3, 7), cores=CORES),)), pinned(2))
    assert cpus(seat) in ([1, 5], [2, 6], [3, 7])
    assert seat.cells[0].siblings == ((0, 1),)
    assert cpus(fit(Room(cells=(cell(dedicated=(0, 1, 5), cores=CORES),)), pinned(1))) == [0]


def test_isolate_leaves_the_other_threads_idle():
    room = Room(cells=(cell(dedicated=(0, 4, 1, 5, 2), cores=CORES),))
    seat = fit(room, pinned(2, thread_policy="isolate"))
    assert cpus(seat) == [0, 1]
    assert seat.cells[0].kept == (4, 5)
    assert left(room, [seat]).cells[0].dedicated == (2,)
    assert fit(room, pinned(3, thread_policy="isolate")) is None
    assert cpus(fit(Room(cells=(cell(dedicated=(0, 1)),)), pinned(2, thread_policy="isolate"))) == [0, 1]


def test_require_wants_threads_that_are_together():
    room = Room(cells=(cell(dedicated=(0, 4, 1, 2), cores=CORES),))
    assert cpus(fit(room, pinned(2, thread_policy="require"))) == [0, 4]
    assert fit(room, pinned(3, thread_policy="require")) is None
    assert fit(Room(cells=(cell(dedicated=(0, 1)),)), pinned(2, thread_policy="require")) is None


def test_shared_processors_have_bounds():
    wish = TopologyWish(cells=(CellWish(cpus=(0, 1, 2), memory_mib=10),))
    assert fit(Room(cells=(cell(shared=(0, 1), vcpus=8),)), wish) is None, "more than the cell itself has"
    assert fit(Room(cells=(cell(shared=(0, 1, 2), vcpus=2),)), wish) is None, "others have too many"
    assert fit(Room(cells=(cell(shared=(0, 1, 2), vcpus=3),)), wish).cells[0].shared == (0, 1, 2)


def test_mixed_guests_take_both():
    wish = TopologyWish(cells=(CellWish(cpus=(0, 1, 2), dedicated=(1,), memory_mib=10),))
    seat = fit(Room(cells=(cell(shared=(0, 1), vcpus=2, dedicated=(7,)),)), wish)
    assert seat.pins == {1: 7}
    assert seat.cells[0].shared == (0, 1)


@pytest.mark.parametrize(("page", "memory", "size"), [
    ("", 4096, 0), ("", 4097, None), ("small", 512, 4), ("large", 512, 2048), ("large", 2048, 1048576),
    ("large", 513, None), ("1048576", 1024, 1048576), ("1048576", 1536, None), ("any", 512, 2048), ("any", 513, 4),
    ("2048", 2048, None), ("4", 100, 4), ("64", 64, None)])
def test_pages(page, memory, size):
    pages = (Pages(2048, 512), Pages(1048576, 2))
    seat = fit(Room(cells=(cell(dedicated=(0,), pages=pages),)), pinned(1, memory, page=page))
    assert (None if seat is None else seat.cells[0].page_kib) == size


def test_pages_and_memory_run_out():
    room = Room(cells=(cell(dedicated=(0, 1, 2), pages=(Pages(2048, 512),)),))
    seat = fit(room, pinned(1, 1024, page="large"))
    assert fit(left(room, [seat]), pinned(1, 2, page="large")) is None
    assert left(room, [seat]).cells[0].memory_mib == 4096
    assert left(room, [fit(room, pinned(1, 1000))]).cells[0].memory_mib == 3096


@pytest.mark.parametrize(("affinity", "near", "far", "nowhere"), [
    ("legacy", True, False, True), ("preferred", True, True, True), ("required", True, False, False),
    ("socket", True, False, False)])
def test_devices_are_as_near_as_their_policy_says(affinity, near, far, nowhere):
    def fits(node):
        room = Room(cells=(cell(0, dedicated=(0,)), cell(1, socket=1)), devices=(device("a", node),))
        return fit(room, pinned(1), [wish(affinity=affinity)]) is not None
    assert (fits(0), fits(1), fits(None)) == (near, far, nowhere)


def test_devices_of_the_same_socket_suffice():
    room = Room(cells=(cell(0, dedicated=(0,)), cell(1)), devices=(device("a", 1),))
    assert fit(room, pinned(1), [wish(affinity="socket")]) is not None
    assert fit(room, pinned(1), [wish(affinity="required")]) is None


def test_a_guest_goes_to_its_device():
    room = Room(cells=(cell(0, dedicated=(0, 1)), cell(1, dedicated=(2,))), devices=(device("a", 1),))
    assert fit(room, pinned(1), [wish()]).cells[0].node == 1
    assert fit(room, pinned(1)).cells[0].node == 0


def test_guests_without_cells_take_devices_anywhere():
    room = Room(devices=(device("a", 1),))
    assert [one.address for one in fit(room, None, [wish(affinity="required")]).devices] == ["a"]
    assert fit(room, None, [wish(2)]) is None
    assert fit(Room(devices=(device("a", resource_class="OTHER"),)), None, [wish()]) is None
    assert fit(room, None, [wish(traits=("CUSTOM_FAST",))]) is None


def test_wishes_for_one_kind_leave_others_theirs():
    room = Room(devices=(device("a", traits=("CUSTOM_FAST",)), device("b")))
    seat = fit(room, None, [wish(alias="any"), wish(alias="fast", traits=("CUSTOM_FAST",))])
    assert {one.alias: one.address for one in seat.devices} == {"any": "b", "fast": "a"}
    assert left(room, [seat]).devices == ()


cells = st.builds(
    lambda sizes: tuple(cell(id, dedicated=tuple(range(id * 100, id * 100 + count)), shared=(id * 100 + 50,) * shared,
                             vcpus=shared, memory_mib=memory, most_memory_mib=memory, socket=id // 2,
                             cores=tuple((id * 100 + n, id * 100 + n + 1) for n in range(0, count - 1, 2)))
                        for id, (count, shared, memory) in enumerate(sizes)),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(0, 8)), max_size=4))
devices = st.lists(st.tuples(st.sampled_from((None, 0, 1, 2, 3)), st.booleans()), max_size=4).map(
    lambda found: tuple(device(f"{n}", node, traits=("CUSTOM_FAST",) * fast) for n, (node, fast) in enumerate(found)))
topologies = st.builds(
    lambda sizes, policy: TopologyWish(thread_policy=policy, cells=tuple(
        CellWish(cpus=tuple(range(n * 10, n * 10 + count)), dedicated=tuple(range(n * 10, n * 10 + count)),
                 memory_mib=memory) for n, (count, memory) in enumerate(sizes))),
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 6)), min_size=1, max_size=3),
    st.sampled_from(("", "prefer", "isolate", "require")))
wishes = st.lists(st.builds(wish, st.integers(1, 2), affinity=st.sampled_from(("legacy", "required", "preferred")),
                            traits=st.sampled_from(((), ("CUSTOM_FAST",)))), max_size=2)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(cells, devices, st.lists(st.tuples(topologies, wishes), min_size=1, max_size=5))
def test_nothing_is_ever_given_twice(cells, devices, guests):
    room = Room(cells=cells, devices=devices)
    seats = []
    for topology, asked in guests:
        seat = fit(left(room, seats), topology, asked)
        if seat is None:
            continue
        assert [one.cpus for one in seat.cells] == [one.cpus for one in topology.cells]
        assert len({one.node for one in seat.cells}) == len(seat.cells)
        assert len(seat.devices) == sum(one.count for one in asked)
        seats.append(seat)
    given = [cpu for seat in seats for one in seat.cells for cpu in (*(cpu for _, cpu in one.pins), *one.kept)]
    assert len(given) == len(set(given))
    assert set(given) <= {cpu for one in cells for cpu in one.dedicated}
    addresses = [one.address for seat in seats for one in seat.devices]
    assert len(addresses) == len(set(addresses))
    for one in left(room, seats).cells:
        assert one.memory_mib >= 0
        assert one.vcpus >= 0


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(cells, devices, topologies, wishes)
def test_what_fits_an_emptier_host_is_found_again_once_it_is_left(cells, devices, topology, asked):
    room = Room(cells=cells, devices=devices)
    seat = fit(room, topology, asked)
    if seat is not None:
        assert fit(room, topology, asked) == seat
        assert fit(left(room, []), topology, asked) == seat


def isolated(count, **more):
    return msgspec.structs.replace(pinned(count, **more), emulator=True)


def test_the_emulator_gets_a_processor_beside_the_first_cell():
    room = Room(cells=(cell(dedicated=(2, 3, 5)), cell(1, dedicated=(8, 9, 10))))
    seat = fit(room, isolated(4, cells=2))
    first, second = seat.cells
    assert len(first.emulator) == 1 and second.emulator == ()
    assert set(first.emulator) <= {2, 3, 5} if first.node == 0 else {8, 9, 10}
    assert first.emulator[0] not in cpus(seat) and set(first.emulator) <= seat.taken
    assert fit(Room(cells=(cell(dedicated=(2, 3)),)), isolated(2)) is None
    assert first.emulator[0] not in left(room, [seat]).cells[first.node].dedicated


def test_the_emulator_of_a_guest_without_threads_beside_it_has_a_core_of_its_own():
    room = Room(cells=(cell(dedicated=tuple(range(8)), cores=CORES),))
    seat = fit(room, isolated(2, thread_policy="isolate"))
    (one,) = seat.cells
    assert len({cpu % 4 for cpu in (*cpus(seat), *one.emulator)}) == 3 and len(seat.taken) == 6
    assert fit(room, isolated(4, thread_policy="isolate")) is None
    (required,) = fit(room, isolated(2, thread_policy="require")).cells
    assert len({cpu % 4 for cpu in (cpu for _, cpu in required.pins)}) == 1
