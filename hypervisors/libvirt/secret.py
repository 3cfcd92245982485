"""Passphrases of encrypted disks and volumes: libvirt keeps them in its memory, and nobody can read them back.

QEMU decrypts (LUKS); the bytes leave this host encrypted. A passphrase is known from when its volume or its guest is
described until the volume is detached or the guest destroyed, or the daemon is started anew.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import libvirt

from ...core.drivers.hypervisor import Disk, GuestSpec
from ...core.drivers.volume import Encryption
from .encryption import DISKS, usage_of


class Secrets:
    """The passphrases that libvirt holds for our guests."""

    def __init__(self, handle: Callable[[], libvirt.virConnect]) -> None:
        self._handle = handle

    def keep(self, spec: GuestSpec) -> None:
        """Let libvirt know the passphrases of all volumes and of the own disks of ``spec``."""
        if spec.encryption is not None:
            self.keep_disks(spec.guest, spec.encryption)
        for disk in spec.disks:
            self.keep_one(spec.guest, disk)

    def keep_one(self, guest: str, disk: Disk) -> None:
        """Let libvirt know the passphrase of a volume; nothing if it is not encrypted."""
        if disk.connection is None or disk.connection.encryption is None:
            return
        self._keep(usage_of(guest, disk.volume_id), disk.connection.encryption)

    def keep_disks(self, guest: str, encryption: Encryption) -> None:
        """Let libvirt know the passphrase of a guest's own disks."""
        self._keep(usage_of(guest, DISKS), encryption)

    def _keep(self, usage: str, encryption: Encryption) -> None:
        secret = self._found(usage)
        if secret is None:
            root = ET.Element("secret", ephemeral="yes", private="yes")
            ET.SubElement(ET.SubElement(root, "usage", type="volume"), "volume").text = usage
            secret = self._handle().secretDefineXML(ET.tostring(root, encoding="unicode"))
        secret.setValue(encryption.passphrase.encode())

    def drop(self, guest: str, volume_id: str) -> None:
        """Forget the passphrase of a volume; nothing if there is none."""
        secret = self._found(usage_of(guest, volume_id))
        if secret is not None:
            secret.undefine()

    def drop_all(self, guest: str) -> None:
        """Forget every passphrase of a guest."""
        for secret in self._handle().listAllSecrets(libvirt.VIR_CONNECT_LIST_SECRETS_EPHEMERAL):
            if secret.usageID().startswith(usage_of(guest, "")):
                secret.undefine()

    def _found(self, usage: str) -> libvirt.virSecret | None:
        try:
            return self._handle().secretLookupByUsage(libvirt.VIR_SECRET_USAGE_TYPE_VOLUME, usage)
        except libvirt.libvirtError as exc:
            if exc.get_error_code() == libvirt.VIR_ERR_NO_SECRET:
                return None
            raise
