"""What the libvirt drivers describe keeps libvirt's grammar of domains, for kinds of hosts that are not here, too."""

from __future__ import annotations

import dataclasses
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt
import pytest
from stratolith.core.drivers.hypervisor import Disk, GuestSpec, Image
from stratolith.core.drivers.network import Vif
from stratolith.core.drivers.topology import Seat, SeatDevice
from stratolith.core.drivers.volume import Connection, Encryption
from stratolith.hypervisors.libvirt.capability import Kind
from stratolith.hypervisors.libvirt.containers.domain import container_xml
from stratolith.hypervisors.libvirt.containers.folder import ContainerFolder
from stratolith.hypervisors.libvirt.disks import GuestFolder
from stratolith.hypervisors.libvirt.domain import domain_xml
from stratolith.hypervisors.libvirt.options import LibvirtOptions
from stratolith.hypervisors.libvirt.plain import plain_xml

pytestmark = pytest.mark.live
GUEST = "11111111-2222-4333-8444-555555555555"
IMAGE = Image("i", "raw", 512, 512, "", "", lambda: iter(()))
VOLUME = Disk("vdb", 1, connection=Connection("file", {"path": "/volume"}, encryption=Encryption("x")), volume_id=GUEST,
              kind="volume")
BRIDGE = Vif(str(uuid.uuid4()), "bridge", "fa:16:3e:00:00:01", "tap-one", "br-one", 1450)
LOOSE = Vif(str(uuid.uuid4()), "none", "fa:16:3e:00:00:02")
ROOT = Disk("vda", 1, image=IMAGE)
SPEC = GuestSpec(GUEST, "a guest", 2, 64, [ROOT], [BRIDGE, LOOSE], {"a": b"b"})
TOP = Path("/guests")


def keeps_the_grammar(text: str) -> None:
    """Let libvirt judge the description of a domain; that its pretended host has no such guests is another matter."""
    try:
        libvirt.open("test:///default").defineXMLFlags(text, libvirt.VIR_DOMAIN_DEFINE_VALIDATE).undefine()
    except libvirt.libvirtError as exc:
        assert exc.get_error_code() != libvirt.VIR_ERR_XML_INVALID_SCHEMA, f"{exc}: {text}"


def test_what_libvirt_does_not_know_is_found() -> None:
    text = plain_xml(SPEC, GuestFolder(TOP, GUEST), Kind("hvm", "xen", "x86_64"), "xen")
    with pytest.raises(AssertionError, match="strange"):
        keeps_the_grammar(text.replace("<devices>", "<devices><strange />"))


def test_machines_with_encrypted_volumes_and_devices_of_the_host() -> None:
    devices = tuple(SeatDevice(address=address, alias="a", vendor_id="8086", product_id="10ed", kind="type-VF",
                               resource_class="CUSTOM_A", provider="p") for address in ("0000:81:00.0", "0000:81:10.7"))
    wanted = dataclasses.replace(SPEC, disks=[ROOT, VOLUME], seat=Seat(devices=devices))
    text = domain_xml(wanted, GuestFolder(TOP, GUEST), LibvirtOptions())
    keeps_the_grammar(text)
    found = [one.attrib for one in ET.fromstring(text).iterfind("./devices/hostdev/source/address")]
    assert found == [{"domain": "0x0000", "bus": "0x81", "slot": "0x00", "function": "0x0"},
                     {"domain": "0x0000", "bus": "0x81", "slot": "0x10", "function": "0x7"}]


@pytest.mark.parametrize("kind", [Kind("hvm", "xen", "x86_64", "xenfv"), Kind("hvm", "test", "i686")])
@pytest.mark.parametrize("bus", ["xen", "ide", "virtio", "scsi", "sata"])
def test_plain_machines(kind: Kind, bus: str) -> None:
    text = plain_xml(dataclasses.replace(SPEC, disks=[ROOT, Disk("vdb", 1, kind="ephemeral")]), GuestFolder(TOP, GUEST),
                     kind, bus)
    keeps_the_grammar(text)
    root = ET.fromstring(text)
    assert root.get("type") == kind.domain_type and {one.get("bus") for one in root.iter("target")} >= {bus}


def test_containers() -> None:
    disks = [ROOT, Disk("vdb", 1, kind="ephemeral"), Disk("vdc", 0, kind="swap", size_mib=64)]
    wanted = dataclasses.replace(SPEC, disks=disks, extra_specs={"quota:cpu_shares": "512"})
    keeps_the_grammar(container_xml(wanted, ContainerFolder(TOP, GUEST), "x86_64"))
