"""Options of the section ``[compute]``."""

from __future__ import annotations

import dataclasses

from ...core.config import option


@dataclasses.dataclass(frozen=True)
class Options:
    """How compute's service and its agents behave."""

    hypervisor: str = option("simulated", "hypervisor driver of this host's agent")
    hosts: tuple[str, ...] = option((), "names of hosts this process plays, for trials; empty means its own")
    zone: str = option("nova", "availability zone of hosts that no aggregate puts into another")
    default_zone: str = option("", "zone of servers that ask for none; empty means any")
    cpu_ratio: float = option(4.0, "virtual CPUs offered for each real one")
    memory_ratio: float = option(1.0, "memory offered for each real MiB")
    disk_ratio: float = option(1.0, "disk offered for each real GiB")
    dedicated_cpus: str = option("", "processors of this host that guests may have for themselves, e.g. 2-15,^8; empty "
                                     "leaves it to the hypervisor's own options")
    shared_cpus: str = option("", "processors of this host that all other guests share; empty is every one that is "
                                  "not dedicated")
    reserved_vcpus: int = option(0, "CPUs kept for the host itself")
    reserved_memory_mib: int = option(512, "memory kept for the host itself")
    reserved_disk_gib: int = option(0, "disk kept for the host itself")
    max_limit: int = option(1000, "longest page of a list")
    shutdown_timeout_s: float = option(60.0, "seconds a guest gets to shut down before its power is cut")
    shelved_offload_time_s: float = option(0.0, "seconds a shelved server stays on its host; 0: none, -1: for ever")
    reclaim_instance_interval_s: float = option(0.0, "seconds in which a deleted server can be restored; 0: none")
    password_length: int = option(12, "length of generated passwords")
    password_key_repository: str = option("", "folder of the keys that seal administrators' passwords until their "
                                              "guests are made, and the keys of encrypted disks as long as their "
                                              "servers last; all control processes share it")
    plain_images_of_encrypted_disks: bool = option(False, "copy the root disks of servers whose disks are encrypted "
                                                          "into images, which are not; else such servers can be "
                                                          "neither copied, backed up nor shelved")
    max_local_block_devices: int = option(3, "disks of a server on its host, the root disk among them; -1: any number")
    force_config_drive: bool = option(False, "give every server a config drive")
    metadata_secret: str = option("", "secret that signs requests of metadata proxies over TCP", secret=True)
    address: str = option("", "address of this host as other hosts reach it; empty: that of its default "
                              "route")
    fence: str = option("none", "what makes sure that a host runs nothing any more: none, ipmi, redfish, lease")
    lease_watchdog: str = option("", "watchdog device (/dev/watchdog) that resets a host whose lease-watch stopped or "
                                     "cannot end a guest; empty: none")
    lease_watchdog_s: int = option(10, "seconds after which that device resets the host")
    recover_after_s: float = option(0.0, "seconds a host counts as down until it is recovered by itself; 0: never")
    recover_local_disks: bool = option(False, "move servers, too, whose disks are on the host that died: they begin "
                                              "anew from their images")
    recover_servers: str = option("all", "which servers of a host that is recovered by itself move: all, or those that "
                                         "are flagged")
    recover_flag: str = option("HA_Enabled", "item of a server's metadata, or else of its flavor's extra specs, that "
                                             "flags it with the word true")
    recover_at_once: int = option(20, "evacuations of all recoveries that run at the same time; 0: any number")
    recover_storm_percent: float = option(30.0, "part of the hosts that may fall silent together; when more do, it is "
                                                "taken for a partition and none is recovered by itself")
    console_listen: str = option("127.0.0.1:0", "address of this host's console proxy; port 0 takes a free one, "
                                                "empty is no proxy")
    console_url: str = option("", "address of this host's console proxy as browsers reach it, when another server "
                                  "is in front of it")
    console_origins: tuple[str, ...] = option((), "origins of further pages that may open consoles")
    console_token_ttl_s: float = option(600.0, "seconds within which a console's address has to be used")
    console_sessions: int = option(200, "consoles and their pages that the proxy serves at the same time")
    console_novnc: str = option("/usr/share/novnc", "folder of noVNC's files")
    console_spice: str = option("/usr/share/spice-html5", "folder of the files of spice-html5")
    allow_resize_to_same_host: bool = option(False, "a resize may leave a server on its host though there are others")
    resize_confirm_window_s: float = option(0.0, "seconds after which resizes and migrations confirm themselves; "
                                                 "0 is never")
    quota_instances: int = option(10, "servers of a project")
    quota_cores: int = option(20, "virtual CPUs of a project")
    quota_ram: int = option(51200, "memory of a project's servers in MiB")
    quota_metadata_items: int = option(128, "metadata items of a server")
    quota_injected_files: int = option(5, "files injected into a server")
    quota_injected_file_content_bytes: int = option(10240, "size of an injected file")
    quota_injected_file_path_bytes: int = option(255, "length of an injected file's path")
    quota_key_pairs: int = option(100, "keypairs of a user")
    quota_server_groups: int = option(10, "server groups of a project")
    quota_server_group_members: int = option(10, "members of a server group")
