"""Which extra specs are taken."""

import pytest
from stratolith.core.errors import BadRequest
from stratolith.plugins.compute import extra_specs


@pytest.mark.parametrize(("name", "value"), [
    ("hw:cpu_policy", "dedicated"), ("hw:numa_nodes", "2"), ("hw:numa_cpus.1", "0-3,^2"), ("hw:boot_menu", "True"),
    ("hw:mem_page_size", "2MB"), ("hw_rng:allowed", "no"), ("quota:cpu_quota", "-1"),
    ("quota:disk_read_bytes_sec", "1000"), ("quota:vif_inbound_average", "1"), ("resources:VCPU", "2"),
    ("resources1:CUSTOM_GOLD", "0"), ("resources_disk:DISK_GB", "3"), ("trait:HW_CPU_X86_AVX2", "required"),
    ("trait_net:CUSTOM_A", "forbidden"), ("os:secure_boot", "optional"), ("capabilities:cpu_info:vendor", "Intel"),
    ("pci_passthrough:alias", "gpu:1,nic:2"), ("unknown:thing", "x"), ("no_namespace", "x"),
    ("accel:device_profile", "fpga"), ("aggregate_instance_extra_specs:ssd", "true")])
def test_taken(name, value):
    extra_specs.check({name: value})


@pytest.mark.parametrize(("name", "value"), [
    ("hw:cpu_policy", "sharrred"), ("hw:numa_nodes", "0"), ("hw:numa_nodes", "two"), ("hw:foo", "bar"),
    ("hw:boot_menu", "perhaps"), ("hw:numa_cpus.x", "0"), ("resources:VCPU", "many"), ("trait:X", "wanted"),
    ("quota:cpu_shares", "-1"), ("pci_passthrough:alias", "gpu"), ("os:other", "x"), ("hw:tpm_version", "3")])
def test_refused(name, value):
    with pytest.raises(BadRequest):
        extra_specs.check({name: value})
