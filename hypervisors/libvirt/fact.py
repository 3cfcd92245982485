"""What the host offers: its size from the kernel, its processor from libvirt."""

from __future__ import annotations

import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import libvirt

MEMINFO = Path("/proc/meminfo")
TRAITS = {
    "mmx": "MMX", "sse": "SSE", "sse2": "SSE2", "pni": "SSE3", "sse3": "SSE3", "ssse3": "SSSE3", "sse4.1": "SSE41",
    "sse4.2": "SSE42", "sse4a": "SSE4A", "avx": "AVX", "avx2": "AVX2", "avx512f": "AVX512F", "avx512bw": "AVX512BW",
    "avx512cd": "AVX512CD", "avx512dq": "AVX512DQ", "avx512vl": "AVX512VL", "aes": "AESNI", "pclmuldq": "CLMUL",
    "fma": "FMA3", "fma4": "FMA4", "f16c": "F16C", "bmi1": "BMI", "bmi2": "BMI2", "abm": "ABM", "tbm": "TBM",
    "xop": "XOP", "sha-ni": "SHA", "svm": "SVM", "vmx": "VMX", "pcid": "PCID", "3dnow": "3DNOW",
}
"""The ends of the names of placement's traits (after ``HW_CPU_X86_``) by libvirt's feature names."""


def memory_mib(meminfo: Path = MEMINFO) -> int:
    """The machine's memory. libvirt's own count misses memory of nodes it cannot see."""
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return 0


def disk_gib(folder: Path) -> int:
    """Size of the file system that holds ``folder``."""
    return shutil.disk_usage(folder).total >> 30


def vcpus() -> int:
    """Processors of the machine."""
    return os.cpu_count() or 1


def cpu(connection: libvirt.virConnect, virt_type: str) -> tuple[str, tuple[str, ...]]:
    """Model and features of the best processor a guest can get."""
    described = ET.fromstring(connection.getDomainCapabilities(None, "x86_64", None, virt_type, 0))
    mode = described.find("./cpu/mode[@name='host-model']")
    if mode is None or mode.find("model") is None:
        return "", ()
    model = mode.findtext("model") or ""
    plain = ET.Element("cpu", mode="custom", match="exact")
    ET.SubElement(plain, "model", fallback="forbid").text = model
    for feature in mode.iterfind("feature"):
        if feature.get("policy") == "require":
            ET.SubElement(plain, "feature", policy="require", name=feature.get("name", ""))
    flags = libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
    whole = connection.baselineHypervisorCPU(None, "x86_64", None, virt_type, [ET.tostring(plain, "unicode")], flags)
    found = ET.fromstring(whole).iterfind("feature")
    return model, tuple(sorted(one.get("name", "") for one in found if one.get("policy", "require") == "require"))


def traits(features: tuple[str, ...]) -> tuple[str, ...]:
    """Placement's traits for processor features."""
    return tuple(sorted({"HW_CPU_X86_" + TRAITS[feature] for feature in features if feature in TRAITS}))
