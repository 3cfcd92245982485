"""Options of the libvirt hypervisor."""

from __future__ import annotations

import dataclasses

from ...core.config import option


@dataclasses.dataclass(frozen=True)
class LibvirtOptions:
    """Section ``hypervisor.libvirt``."""

    uri: str = option("qemu:///system", "libvirt connection; qemu:///session runs guests of the present user.")
    virt_type: str = option("qemu", "qemu (emulated, runs everywhere) or kvm (never chosen by itself).")
    machine: str = option("pc", "QEMU machine type, e.g. pc or q35.")
    cpu_mode: str = option("", "CPU mode of guests, e.g. host-model; empty: maximum for qemu, host-model for kvm; "
                               "custom takes cpu_models; none leaves it to QEMU.")
    cpu_models: str = option("", "Processors of cpu_mode custom, in commas; the first that the host can give is taken.")
    cpu_dedicated_set: str = option("", "Processors of the host, e.g. 2-7,^4, that guests with the CPU policy "
                                        "dedicated get for themselves; empty gives none away.")
    cpu_shared_set: str = option("", "Processors of the host that all other guests share; empty is every one that "
                                     "is not dedicated.")
    realtime_priority: int = option(1, "Priority of virtual processors that run in real time, 1 to 99, as the kernel "
                                       "counts.")
    realtime_lock_memory: bool = option(True, "Keep the memory of guests with such processors from being swapped; "
                                              "libvirt must be allowed to lock it.")
    translation_cache_mib: int = option(64, "Code cache of an emulated guest, in MiB; 0 leaves it to QEMU.")
    image_cache: str = option("", "Folder of downloaded images, on the file system of the driver's state; "
                                  "empty is a folder in that state.")
    image_keep_s: float = option(604_800.0, "Seconds a downloaded image is kept after its last use.")
    qemu_img: str = option("qemu-img", "The qemu-img command.")
    qemu_img_memory_mib: int = option(2048, "Address space qemu-img may use, in MiB; 0 is no limit.")
    qemu_img_cpu_s: int = option(600, "Processor seconds one qemu-img may use; 0 is no limit.")
    qemu_img_wall_s: int = option(3600, "Seconds one qemu-img may last.")
    qemu_user: str = option("", "User that runs QEMU, as +UID:+GID; empty leaves it to libvirt.")
    vnc: bool = option(True, "Give guests a screen over VNC, on a Unix socket of this host.")
    vnc_listen: str = option("", "Address the VNC screens listen on in place of a Unix socket.")
    spice: bool = option(False, "Give guests a screen over SPICE, too, on a Unix socket; needs a QEMU that has it.")
    qemu_nbd: str = option("qemu-nbd", "The qemu-nbd command, which offers the disks of guests that move.")
    move_address: str = option("127.0.0.1", "Address of this host where others fetch the disks of guests that move.")
    move_ports: str = option("49300-49363", "First and last TCP port of these offers.")
    live_uri: str = option("", "URI at which the libvirt of other hosts reaches this one, e.g. "
                               "qemu+tls://host/system; empty takes in no guest that runs.")
    live_address: str = option("", "Address for the memory and disks of guests that come running; empty is the "
                                   "host of live_uri.")
    live_tls: bool = option(True, "Encrypt memory and disks of live migrations; libvirt's QEMU needs certificates.")
    soft_reboot_s: float = option(60.0, "Seconds a guest gets to shut down in a soft reboot.")
    unplug_s: float = option(20.0, "Seconds a running guest gets to let go of a device.")
