"""The pool of volumes in one folder."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ....core.config import option
from ....core.drivers import names
from ....core.drivers.base import Surroundings
from ....core.drivers.volume import (
    Adoptions,
    Clones,
    Connection,
    Connector,
    ObservedVolumes,
    Snapshots,
    VolumeDriver,
    VolumeFacts,
)
from ....core.errors import AlreadyExists, BadConfiguration, BadRequest, InUse, NoSpace, NotFound, NotSupported
from ...copying import clone, copy, has_writer
from ...partial import SYNC_CHOICES, backend_errors, partial
from ...streams import GIB
from .folder import Folder
from .formats import Format, Qcow2, Raw
from .nbd import Exports, NbdSettings
from .tools import Limits, found


@dataclasses.dataclass(frozen=True)
class FileOptions:
    """Options of the pool ``file``."""

    path: str = option("", "Folder of the volumes; empty for the driver's own state folder.")
    format: str = option("raw", "Form of new volumes: 'raw', which needs no program, or 'qcow2' (needs qemu-img).")
    export: str = option("direct", "How hosts reach volumes: 'direct' opens the file, 'nbd' runs qemu-nbd.")
    shared: bool = option(False, "Whether other hosts see the folder under the same path, e.g. over NFS.")
    sync: str = option("data", "'data' has new volumes on the disk before they are acknowledged; 'none' does not.")
    capacity_gib: int = option(0, "Size of the pool in GiB; 0 takes the file system's.")
    reserved_gib: int = option(1, "GiB of the file system that the pool leaves free.")
    over_subscription: float = option(20.0, "How many times its size the pool may promise to volumes together.")
    nbd_address: str = option("", "Address on which volumes are served to other hosts; empty serves none to them. "
                                  "NBD is neither encrypted nor authenticated: use a network of the hosts' own.")
    nbd_first_port: int = option(10809, "First TCP port of served volumes.")
    nbd_ports: int = option(1000, "How many TCP ports may be used.")
    nbd_socket_group: str = option("", "Group that may use the sockets of served volumes; empty for their owner only.")
    qemu_img: str = option("qemu-img", "Name or path of the program qemu-img.")
    qemu_nbd: str = option("qemu-nbd", "Name or path of the program qemu-nbd.")
    tool_memory_mib: int = option(2048, "MiB of address space that one run of QEMU's tools may use.")
    tool_cpu_s: int = option(1800, "Seconds of processor time that one run of qemu-img may use.")
    tool_timeout_s: float = option(3600.0, "Seconds that one run of qemu-img may take.")


class File(VolumeDriver, Snapshots, Clones, Adoptions):
    """One folder of volumes, each a raw or qcow2 file of its own.

    Volumes and snapshots are independent files that share blocks where the file system can (xfs,
    btrfs). New files are made beside and renamed, so that a crash leaves whole ones only.
    """

    Options = FileOptions
    options: FileOptions

    def __init__(self, options: Any, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        given = self.options
        limits = Limits(given.tool_memory_mib, given.tool_cpu_s, given.tool_timeout_s)
        self._sync = given.sync == "data"
        known = (Raw(self.clock, self._sync), Qcow2(self.clock, self._sync, given.qemu_img, limits))
        self._formats: dict[str, Format] = {form.name: form for form in known}
        self._folder = Folder(Path(given.path or surroundings.state_dir).absolute(), self._formats)
        settings = NbdSettings(given.qemu_nbd, given.nbd_address, given.nbd_first_port, given.nbd_ports,
                               given.nbd_socket_group)
        self._exports = Exports(surroundings.run_dir.absolute(), settings)
        self._lock = threading.Lock()
        self._promised_gib = 0

    def open(self) -> None:
        """Check the options, make the folders and sweep out what a crash left."""
        for name, value, choices in (("format", self.options.format, tuple(self._formats)),
                                     ("export", self.options.export, ("direct", "nbd")),
                                     ("sync", self.options.sync, SYNC_CHOICES)):
            if value not in choices:
                raise BadConfiguration(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        if self.options.format == "qcow2":
            found(self.options.qemu_img)
        if self.options.export == "nbd" or self.options.nbd_address:
            found(self.options.qemu_nbd)
        swept = self._folder.open()
        if swept:
            self.log.warning("removed %d unfinished volumes", swept)

    def facts(self) -> VolumeFacts:
        """Sizes of the pool, from the file system and the options."""
        total, free = self._space()
        direct, raw = self.options.export == "direct", self.options.format == "raw"
        # Servers of one raw file see each other's writes through the page cache; qcow2 allows one writer.
        return VolumeFacts("file" if direct else "nbd", total, free, thin=True, online_extend=direct and raw,
                           multiattach=raw and not direct and bool(self.options.nbd_address))

    def _space(self) -> tuple[float, float]:
        """Total and free GiB, to be filled."""
        with backend_errors("measuring the pool"):
            system = os.statvfs(self._folder.path)
        total = system.f_blocks * system.f_frsize / GIB
        free = system.f_bavail * system.f_frsize / GIB - self.options.reserved_gib
        if self.options.capacity_gib:
            total = min(total, self.options.capacity_gib)
        return total, max(0.0, min(free, total))

    def observe(self) -> ObservedVolumes:
        """What lies in the folder."""
        return ObservedVolumes(self._folder.volume_sizes(), self._folder.snapshot_ids())

    @contextlib.contextmanager
    def _room(self, more_gib: int) -> Iterator[None]:
        """Promise ``more_gib`` while the block makes the files that will show it.

        :raises NoSpace: that is more than the pool may promise, or its disk is full.
        """
        total, free = self._space()
        with self._lock:
            promised = sum(self._folder.volume_sizes().values()) + self._promised_gib
            if free <= 0 or promised + more_gib > total * self.options.over_subscription:
                raise NoSpace("the pool is full")
            self._promised_gib += more_gib
        try:
            yield
        finally:
            with self._lock:
                self._promised_gib -= more_gib

    def create(self, volume: str, size_gib: int) -> None:
        """Make an empty file of the option's format."""
        names.check(volume)
        form = self._formats[self.options.format]
        if self._is_made(volume, size_gib, 1):
            return
        with self._room(size_gib), partial(self._folder.volumes, self.clock, sync=self._sync) as made:
            form.make(made.path, size_gib)
            made.commit(self._folder.volumes / f"{volume}.{form.name}")

    def _is_made(self, volume: str, size_gib: int, least_gib: int) -> bool:
        """Whether the volume is there already with this size."""
        if size_gib < least_gib:
            raise BadRequest(f"the volume must have {least_gib} GiB or more")
        try:
            path, form = self._folder.volume(volume)
        except NotFound:
            return False
        if form.size_bytes(path) != size_gib * GIB:
            raise AlreadyExists(f"volume {volume} is there with another size")
        return True

    def delete(self, volume: str) -> None:
        """Stop serving the volume and unlink its file."""
        names.check(volume)
        if self._folder.snapshot_ids(volume):
            raise InUse(f"volume {volume} has snapshots")
        self._exports.close_all(volume)
        with contextlib.suppress(NotFound), backend_errors("deleting a volume"):
            self._folder.volume(volume)[0].unlink(missing_ok=True)

    def extend(self, volume: str, size_gib: int) -> None:
        """Make the file longer; a raw one even while a guest uses it."""
        names.check(volume)
        path, form = self._folder.volume(volume)
        present = form.size_bytes(path)
        if size_gib * GIB > present:
            with self._room(size_gib - present // GIB):
                form.resize(path, size_gib)

    def write(self, volume: str, chunks: Iterable[bytes]) -> None:
        """Lay the chunks over a copy and put it in place. :raises InUse: a guest has the volume open."""
        names.check(volume)
        path, form = self._folder.volume(volume)
        with self._opened(path) as descriptor:
            if has_writer(descriptor):
                raise InUse(f"volume {volume} is in use")
        form.write(path, chunks)

    def read(self, volume: str) -> Iterator[bytes]:
        """The raw bytes, whatever the format."""
        names.check(volume)
        path, form = self._folder.volume(volume)
        return form.read(path)

    @contextlib.contextmanager
    def _opened(self, path: Path) -> Iterator[int]:
        with backend_errors("opening a volume"):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def connect(self, volume: str, connector: Connector) -> Connection:
        """The file itself, or an NBD server that was started for the host.

        :raises NotSupported: the host is another one and the options let no other host in.
        """
        names.check(volume)
        path, form = self._folder.volume(volume)
        local = connector.host == self.surroundings.host
        if self.options.export == "direct" and (local or self.options.shared):
            return Connection("file", {"path": str(path), "format": form.name})
        if not local and not self.options.nbd_address:
            raise NotSupported("the pool serves its own host only", host=connector.host)
        return self._exports.open(volume, connector.host, path, form.name, local=local)

    def disconnect(self, volume: str, connector: Connector) -> None:
        """End the NBD server of the host, if there is one."""
        names.check(volume)
        self._exports.close(volume, connector.host)

    def snapshot(self, volume: str, snapshot: str) -> None:
        """Copy the file.

        :raises InUse: a guest writes to the volume and the file system cannot copy it in one moment.
        """
        names.check(volume, snapshot)
        path, form = self._folder.volume(volume)
        target = self._folder.snapshots / f"{volume}@{snapshot}.{form.name}"
        if not target.exists():
            self._copy(path, form, target, 0)

    def delete_snapshot(self, volume: str, snapshot: str) -> None:
        """Unlink the snapshot's file."""
        names.check(volume, snapshot)
        with contextlib.suppress(NotFound), backend_errors("deleting a snapshot"):
            self._folder.snapshot(volume, snapshot)[0].unlink(missing_ok=True)

    def create_from_snapshot(self, volume: str, size_gib: int, source: str, snapshot: str) -> None:
        """Copy the snapshot's file."""
        names.check(volume, source, snapshot)
        self._copy_volume(volume, size_gib, *self._folder.snapshot(source, snapshot))

    def clone(self, volume: str, size_gib: int, source: str) -> None:
        """Copy the source's file. :raises InUse: as for :meth:`snapshot`."""
        names.check(volume, source)
        self._copy_volume(volume, size_gib, *self._folder.volume(source))

    def _copy_volume(self, volume: str, size_gib: int, path: Path, form: Format) -> None:
        present_gib = form.size_bytes(path) // GIB
        if not self._is_made(volume, size_gib, present_gib):
            with self._room(size_gib):
                self._copy(path, form, self._folder.volumes / f"{volume}.{form.name}",
                           size_gib if size_gib > present_gib else 0)

    def _copy(self, path: Path, form: Format, target: Path, size_gib: int) -> None:
        """Copy ``path`` to ``target``, made ``size_gib`` large unless that is 0."""
        with self._opened(path) as source, partial(target.parent, self.clock, sync=self._sync) as made:
            # A qcow2 file in use is not whole on the disk: QEMU keeps some of its tables in memory.
            if has_writer(source) and form.name != "raw":
                raise InUse("the volume is in use")
            if not clone(source, made.descriptor):
                if has_writer(source):
                    raise InUse("the volume is in use")
                copy(source, made.descriptor)
            if size_gib:
                form.resize(made.path, size_gib)
            made.commit(target)

    def snapshot_sizes(self, volume: str) -> Mapping[str, int]:
        """Sizes of the snapshots' files."""
        names.check(volume)
        self._folder.volume(volume)
        return self._folder.snapshot_sizes(volume)

    def adopt(self, volume: str, name: str) -> None:
        """Rename the files of the snapshots, then the volume's. :raises InUse: a guest has the volume open."""
        names.check(volume, name)
        if self._folder.has(name) and self._folder.has(volume) and volume != name:
            raise AlreadyExists(f"volume {volume} is there already")
        if not self._folder.has(name):
            self._folder.volume(volume)
            return
        path, form = self._folder.volume(name)
        with self._opened(path) as descriptor:
            if has_writer(descriptor):
                raise InUse(f"volume {name} is in use")
        if form.size_bytes(path) % GIB:
            form.resize(path, -(-form.size_bytes(path) // GIB))
        for snapshot in self._folder.snapshot_ids(name):
            self._folder.rename_snapshot(name, snapshot, volume, snapshot)
        self._folder.rename(path, self._folder.volumes / f"{volume}.{form.name}")

    def adopt_snapshot(self, volume: str, snapshot: str, name: str) -> None:
        """Rename the snapshot's file."""
        names.check(volume, snapshot, name)
        known = self._folder.snapshot_ids(volume)
        if snapshot != name and snapshot in known and name in known:
            raise AlreadyExists(f"snapshot {snapshot} is there already")
        if name in known:
            self._folder.rename_snapshot(volume, name, volume, snapshot)
        elif snapshot not in known:
            raise NotFound(f"volume {volume} has no snapshot {name}")
