"""Fits a guest's cells of memory, its processors and its devices into what a host has left.

Pure: the same question has the same answer. The scheduler asks it of each host, and compute once more in the
transaction that gives a guest its place. Source of the rules: the compute administrator's guide on CPU topologies and
on PCI passthrough.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import msgspec

from .topology import (
    CellWish,
    DeviceWish,
    FreeCell,
    Pages,
    PciDevice,
    Room,
    Seat,
    SeatCell,
    SeatDevice,
    TopologyWish,
)

SMALL_KIB = 4
Core = tuple[int, ...]


def fit(room: Room, topology: TopologyWish | None, devices: Sequence[DeviceWish] = ()) -> Seat | None:
    """A seat in ``room`` for the guest, or none when there is none.

    Each of the guest's cells lies in a host's cell of its own.
    """
    if topology is None:
        found = _devices(room, devices, None)
        return None if found is None else Seat(devices=found)
    order = sorted(room.cells, key=lambda cell: _preference(cell, room, devices))
    known: dict[tuple[int, int], SeatCell | None] = {}

    def seat(identity: int, number: int) -> SeatCell | None:
        # Most guests find theirs in the first cells: the others are not looked at.
        if (identity, number) not in known:
            known[identity, number] = seat_cell(identity, topology.cells[identity], topology, order[number])
        return known[identity, number]
    return _search(room, order, len(topology.cells), seat, devices)


def _preference(cell: FreeCell, room: Room, devices: Sequence[DeviceWish]) -> tuple[bool, int, int, int]:
    """Cells beside devices are for guests that want devices; among equals those with most left go first."""
    near = any(device.node == cell.id for device in room.devices)
    return (near != bool(devices), -len(cell.dedicated), -cell.memory_mib, cell.id)


def _search(room: Room, order: Sequence[FreeCell], count: int, seat: Callable[[int, int], SeatCell | None],
            devices: Sequence[DeviceWish]) -> Seat | None:
    """Give each of the guest's ``count`` cells one of the host's, none twice, so that the devices can be had, too.

    ``seat`` tells how a guest's cell lies in a host's, both by number. What can be had depends on which of the host's
    cells are taken, not by whom, so that no set is tried twice.
    """
    failed: set[int] = set()

    def deeper(taken: int, chosen: tuple[SeatCell, ...]) -> Seat | None:
        if taken in failed:
            return None
        found = complete(taken, chosen) if len(chosen) == count else further(taken, chosen)
        if found is None:
            failed.add(taken)
        return found

    def complete(taken: int, chosen: tuple[SeatCell, ...]) -> Seat | None:
        given = _devices(room, devices, [cell for number, cell in enumerate(order) if taken >> number & 1])
        return None if given is None else Seat(cells=chosen, devices=given)

    def further(taken: int, chosen: tuple[SeatCell, ...]) -> Seat | None:
        for number in range(len(order)):
            if not taken >> number & 1 and (cell := seat(len(chosen), number)) is not None:
                found = deeper(taken | 1 << number, (*chosen, cell))
                if found is not None:
                    return found
        return None

    return deeper(0, ())


# One cell.

def seat_cell(identity: int, wish: CellWish, topology: TopologyWish, cell: FreeCell) -> SeatCell | None:
    """The guest's cell ``identity`` in a host's cell, or none when it does not fit."""
    floating = len(wish.cpus) - len(wish.dedicated)
    if floating > min(cell.vcpus, len(cell.shared)):
        return None
    page = page_kib(wish.memory_mib, topology.page, cell)
    if page is None:
        return None
    cores = pick(len(wish.dedicated), topology.thread_policy, cell)
    if cores is None:
        return None
    cpus = [cpu for core in cores for cpu in core]
    pins = tuple(zip(wish.dedicated, cpus, strict=True))
    emulator: tuple[int, ...] = ()
    if topology.emulator and not identity:
        left_over = set(cell.dedicated) - _closed(cpus, topology, cell)
        rest = msgspec.structs.replace(cell, dedicated=tuple(sorted(left_over)))
        own = pick(1, "isolate" if topology.thread_policy == "isolate" else "", rest)
        if own is None:
            return None
        emulator = own[0]
    taken = {*cpus, *emulator}
    kept = tuple(sorted(_closed(taken, topology, cell) - taken))
    virtual = {cpu: one for one, cpu in pins}
    siblings = tuple(tuple(virtual[cpu] for cpu in core) for core in cores if len(core) > 1)
    return SeatCell(id=identity, node=cell.id, cpus=wish.cpus, memory_mib=wish.memory_mib, page_kib=page, pins=pins,
                    kept=kept, shared=cell.shared if floating else (), siblings=siblings, emulator=emulator)


def _closed(cpus: Collection[int], topology: TopologyWish, cell: FreeCell) -> set[int]:
    """``cpus``, and with them all of their cores where nobody else may use these."""
    if topology.thread_policy != "isolate":
        return set(cpus)
    return {other for cpu in cpus for other in _core_of(cpu, cell)}


def _core_of(cpu: int, cell: FreeCell) -> Core:
    return next((core for core in cell.cores if cpu in core), (cpu,))


def pick(count: int, policy: str, cell: FreeCell) -> list[Core] | None:
    """``count`` free processors of a cell by core, chosen as the thread policy says; none when there are too few.

    ``isolate`` takes one thread a core and leaves the others idle, ``require`` only threads that are together with
    others of the guest, and without a policy whole cores go before parts.
    """
    if not count:
        return []
    cores = free_cores(cell)
    if policy == "isolate":
        whole = [core for core in cores if len(core) == len(_core_of(core[0], cell))]
        return [core[:1] for core in whole[:count]] if len(whole) >= count else None
    if policy == "require":
        cores = [core for core in cores if len(core) > 1]
    found = _packed(count, cores)
    if found is not None and policy == "require" and count > 1 and any(len(core) < 2 for core in found):
        return None
    return found


def free_cores(cell: FreeCell) -> list[Core]:
    """The free threads of each core of a cell."""
    free = set(cell.dedicated)
    found = []
    for core in cell.cores:
        threads = tuple(cpu for cpu in core if cpu in free)
        free.difference_update(threads)
        if threads:
            found.append(threads)
    return sorted([*found, *((cpu,) for cpu in free)])


def _packed(count: int, cores: Sequence[Core]) -> list[Core] | None:
    """``count`` threads, of the fullest cores first, and the rest of the core that is broken up least."""
    left = sorted(cores, key=lambda core: (-len(core), core))
    found: list[Core] = []
    while count > 0:
        if not left:
            return None
        enough = [core for core in left if len(core) >= count]
        one = min(enough, key=lambda core: (len(core), core)) if enough else left[0]
        left.remove(one)
        found.append(one[:count])
        count -= len(found[-1])
    return found


def page_kib(memory_mib: int, page: str, cell: FreeCell) -> int | None:
    """The size of the pages that back so much memory in a cell, 0 when nobody cares; none when it is not to be had.

    ``large`` is the smallest large page that suffices, ``any`` that, or small ones.
    """
    small = memory_mib <= min(cell.memory_mib, cell.most_memory_mib)
    if page in ("", "small", str(SMALL_KIB)):
        return (SMALL_KIB if page else 0) if small else None
    for one in sorted(cell.pages, key=lambda one: one.size_kib):
        if page in ("large", "any", str(one.size_kib)) and _backs(one, memory_mib):
            return one.size_kib
    return SMALL_KIB if page == "any" and small else None


def _backs(pages: Pages, memory_mib: int) -> bool:
    return memory_mib * 1024 % pages.size_kib == 0 and pages.count * pages.size_kib >= memory_mib * 1024


# Devices.

def _devices(room: Room, wishes: Sequence[DeviceWish], cells: Sequence[FreeCell] | None
             ) -> tuple[SeatDevice, ...] | None:
    """A device for each that is wished for, near to ``cells`` as each wish says; none when they cannot all be had.

    Guests without cells are near to everything.
    """
    units = [wish for wish in wishes for _ in range(wish.count)]
    choices = [_choices(room, wish, cells) for wish in units]
    owner: dict[str, int] = {}
    for unit in range(len(units)):
        if not _match(unit, choices, owner, set()):
            return None
    by_address = {device.address: device for device in room.devices}
    chosen = {unit: by_address[address] for address, unit in owner.items()}
    return tuple(_seat_device(chosen[unit], wish) for unit, wish in enumerate(units))


def _match(unit: int, choices: Sequence[Sequence[str]], owner: dict[str, int], seen: set[str]) -> bool:
    """Give ``unit`` a device; who has it already takes another, if there is one."""
    for address in choices[unit]:
        if address not in seen:
            seen.add(address)
            if address not in owner or _match(owner[address], choices, owner, seen):
                owner[address] = unit
                return True
    return False


def _choices(room: Room, wish: DeviceWish, cells: Sequence[FreeCell] | None) -> list[str]:
    """The devices that meet a wish, nearest first."""
    nodes = None if cells is None else {cell.id for cell in cells}
    sockets = None if cells is None else {cell.socket for cell in cells}
    socket_of: Mapping[int, int] = {cell.id: cell.socket for cell in room.cells}

    def is_near(device: PciDevice) -> bool:
        if wish.affinity == "socket" and sockets is not None:
            return device.node is not None and socket_of.get(device.node) in sockets
        return nodes is None or device.node in nodes

    found = [device for device in room.devices if meets(device, wish)]
    if wish.affinity in ("required", "socket"):
        found = [device for device in found if is_near(device)]
    elif wish.affinity == "legacy":
        found = [device for device in found if device.node is None or is_near(device)]
    return [device.address for device in sorted(found, key=lambda device: not is_near(device))]


def meets(device: PciDevice, wish: DeviceWish) -> bool:
    """Tell whether a device is one that is wished for, wherever it is."""
    return (device.resource_class == wish.resource_class and wish.vendor_id in ("", device.vendor_id)
            and wish.product_id in ("", device.product_id) and wish.kind in ("", device.kind)
            and set(wish.traits) <= set(device.traits))


def _seat_device(device: PciDevice, wish: DeviceWish) -> SeatDevice:
    return SeatDevice(address=device.address, alias=wish.alias, vendor_id=device.vendor_id,
                      product_id=device.product_id, kind=device.kind, resource_class=device.resource_class,
                      provider=device.provider, node=device.node)


# What is left when others have their seats.

def left(room: Room, seats: Sequence[Seat]) -> Room:
    """``room``, which is an empty host's, without what ``seats`` have of it."""
    if not seats:
        return room
    used = {device.address for seat in seats for device in seat.devices}
    cells = tuple(_less(cell, [one for seat in seats for one in seat.cells if one.node == cell.id])
                  for cell in room.cells)
    taken = frozenset(cpu for seat in seats for cpu in seat.taken)
    return Room(cells=tuple(msgspec.structs.replace(cell, dedicated=tuple(
        cpu for cpu in cell.dedicated if cpu not in taken)) for cell in cells),
        devices=tuple(device for device in room.devices if device.address not in used))


def _less(cell: FreeCell, inside: Sequence[SeatCell]) -> FreeCell:
    floating = sum(len(one.cpus) - len(one.pins) for one in inside)
    small = sum(one.memory_mib for one in inside if one.page_kib <= SMALL_KIB)
    pages = tuple(Pages(page.size_kib, page.count - sum(_pages(inside, page.size_kib))) for page in cell.pages)
    return msgspec.structs.replace(cell, vcpus=cell.vcpus - floating, memory_mib=cell.memory_mib - small, pages=pages)


def _pages(inside: Sequence[SeatCell], size_kib: int) -> Iterator[int]:
    return (one.memory_mib * 1024 // size_kib for one in inside if one.page_kib == size_kib)
