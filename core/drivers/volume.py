"""The volume interface: one pool of block volumes."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .base import Driver


@dataclasses.dataclass(frozen=True)
class VolumeFacts:
    """What a pool offers. ``total_gib`` and ``free_gib`` are -1 when it cannot tell."""

    protocol: str
    """storage_protocol: ``file``, ``nbd``, ``iSCSI``, ``ceph``, ..."""
    total_gib: float
    free_gib: float
    thin: bool = False
    multiattach: bool = False
    online_extend: bool = True
    vendor: str = "Open Source"
    driver_version: str = "1.0"


@dataclasses.dataclass(frozen=True)
class Connector:
    """The host that wants to reach a volume."""

    host: str
    address: str = ""
    initiator: str = ""
    platform: str = "x86_64"


@dataclasses.dataclass(frozen=True)
class Encryption:
    """How the bytes of a volume are encrypted; the hypervisor decrypts them, so that no host stores them plain."""

    passphrase: str = dataclasses.field(repr=False)
    format: str = "luks"


@dataclasses.dataclass(frozen=True)
class Connection:
    """How a hypervisor reaches a volume. ``details`` depend on ``protocol``.

    ``file``: ``path``, ``format``. ``nbd``: ``host`` and ``port`` or ``socket``, ``export``.
    ``simulated``: nothing. Secrets in here are never logged.
    """

    protocol: str
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)
    read_only: bool = False
    encryption: Encryption | None = None
    """Set when the volume's bytes are encrypted; ``format`` in ``details`` is that of the file around them."""


@dataclasses.dataclass(frozen=True)
class ObservedVolumes:
    """What really exists in the pool: sizes in GiB by volume id, and snapshot ids."""

    volumes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    snapshots: Sequence[str] = ()


class VolumeDriver(Driver):
    """One pool of block volumes.

    Calls block. Any thread may call, but never two for one volume at a time. Every verb may be
    called twice with the same arguments and leaves the same world. After a failure a volume
    that was to be made is not there, and one that was there is as it was. Every verb raises
    ``BadRequest`` for an id that ``names.check`` refuses.
    """

    @abc.abstractmethod
    def facts(self) -> VolumeFacts:
        """What this pool offers now."""

    @abc.abstractmethod
    def observe(self) -> ObservedVolumes:
        """What really exists in this pool."""

    @abc.abstractmethod
    def create(self, volume: str, size_gib: int) -> None:
        """Make an empty volume that reads as zeros; nothing if it is there with this size.

        :raises AlreadyExists: it is there with another size.
        :raises BadRequest: ``size_gib`` is below 1.
        :raises NoSpace: the pool is full; nothing was left behind.
        """

    @abc.abstractmethod
    def delete(self, volume: str) -> None:
        """Remove the volume; nothing if it is not there. :raises InUse: a snapshot needs it."""

    @abc.abstractmethod
    def extend(self, volume: str, size_gib: int) -> None:
        """Make the volume ``size_gib`` large; nothing if it is that large or larger.

        :raises NotFound: there is no such volume.
        :raises NoSpace: the pool is full; the volume is as it was.
        """

    @abc.abstractmethod
    def write(self, volume: str, chunks: Iterable[bytes]) -> None:
        """Lay raw ``chunks`` over the volume's start; what lies behind them stays.

        Memory use does not grow with the data. What ``chunks`` raises passes through, and the volume is as it was.
        :raises NotFound: no such volume.
        :raises NoSpace: the data is longer than the volume, or the pool is full.
        :raises InUse: a guest has the volume open, and the driver cannot write beside it.
        """

    @abc.abstractmethod
    def read(self, volume: str) -> Iterator[bytes]:
        """The volume's raw bytes from its start, in chunks of at most 4 MiB. :raises NotFound: no such volume."""

    @abc.abstractmethod
    def connect(self, volume: str, connector: Connector) -> Connection:
        """Open the volume to a host and say how to reach it; twice, the same connection.

        :raises NotFound: no such volume.
        :raises InUse: another host has it open, and the driver allows one only.
        :raises NotSupported: the pool cannot be reached from that host.
        """

    @abc.abstractmethod
    def disconnect(self, volume: str, connector: Connector) -> None:
        """Close the volume to a host; nothing if it is closed or gone."""


class Snapshots(abc.ABC):
    """Facet: copies of a volume at one moment. A snapshot survives only as long as its volume."""

    @abc.abstractmethod
    def snapshot(self, volume: str, snapshot: str) -> None:
        """Freeze the volume's present content; nothing if the snapshot is there.

        :raises NotFound: no such volume.
        :raises InUse: a guest writes to it, and the driver cannot copy it in one moment.
        """

    @abc.abstractmethod
    def delete_snapshot(self, volume: str, snapshot: str) -> None:
        """Remove the snapshot; nothing if it is not there."""

    @abc.abstractmethod
    def create_from_snapshot(self, volume: str, size_gib: int, source: str, snapshot: str) -> None:
        """Make ``volume`` with the content of ``snapshot`` of ``source``; independent of both afterwards.

        Like :meth:`VolumeDriver.create` in all else. :raises BadRequest: it is smaller than the snapshot.
        :raises NotFound: no such snapshot.
        """


class Clones(abc.ABC):
    """Facet: copy a volume within the pool faster than by reading and writing."""

    @abc.abstractmethod
    def clone(self, volume: str, size_gib: int, source: str) -> None:
        """Make ``volume`` with the content of ``source``, independent afterwards.

        Like :meth:`VolumeDriver.create` in all else. :raises BadRequest: it is smaller than ``source``.
        :raises NotFound: no such source.
        :raises InUse: a guest writes to ``source``, and the driver cannot copy it in one moment.
        """


class GroupSnapshots(abc.ABC):
    """Facet: copies of several volumes at one and the same moment."""

    @abc.abstractmethod
    def snapshot_group(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Freeze each volume under its snapshot's id, all at one moment: (volume, snapshot) pairs.

        Like :meth:`Snapshots.snapshot` for each of them; either all snapshots are there afterwards or, when
        it fails, none that was not there before. Which are there already stay as they are.
        """


class Adoptions(abc.ABC):
    """Facet: take volumes into the cloud that lie in the pool under names of their own.

    ``observe`` tells of them as of all others. What the cloud lets go of stays in the pool under its id.
    """

    @abc.abstractmethod
    def snapshot_sizes(self, volume: str) -> Mapping[str, int]:
        """The GiB of the volume's snapshots by their names. :raises NotFound: no such volume."""

    @abc.abstractmethod
    def adopt(self, volume: str, name: str) -> None:
        """Give the volume ``name``, its snapshots with it, the id ``volume``; nothing if that was done.

        :raises NotFound: there is neither.
        :raises AlreadyExists: there are both.
        :raises InUse: a guest has it open, and the driver cannot rename it then.
        """

    @abc.abstractmethod
    def adopt_snapshot(self, volume: str, snapshot: str, name: str) -> None:
        """Give the snapshot ``name`` of the volume the id ``snapshot``; nothing if that was done.

        :raises NotFound: there is neither.
        :raises AlreadyExists: there are both.
        """
