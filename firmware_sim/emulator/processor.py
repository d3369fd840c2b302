"""What a program sees of the processor it runs on: /proc/cpuinfo and /sys of the watch, not of this machine.

LiteRT's kernels are chosen by what they read there, so without it the wrong ones would be counted (or, as
the text is then that of an x86, XNNPACK crashes).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.emulator.places import Places

LINE_BYTES = 64
ARM = 0x41
BASE_FEATURES = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
DOT_FEATURES = " atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"


@dataclass(frozen=True)
class Identity:
    """How a core names itself: MIDR's part and variant, and QEMU's model with the same instructions.

    LiteRT trusts the dot product of a Cortex-A55 from variant 1 on. QEMU 7.2 has no Cortex-A55; its A76
    has the same instructions (ARMv8.2 with dot product), and no kernel of XNNPACK asks for more.
    """

    part: int
    variant: int
    qemu_cpu: str
    has_dot_product: bool


IDENTITIES = {
    "cortex-a35": Identity(0xD04, 0, "cortex-a35", False),
    "cortex-a53": Identity(0xD03, 0, "cortex-a53", False),
    "cortex-a55": Identity(0xD05, 2, "cortex-a76", True),
    "cortex-a72": Identity(0xD08, 0, "cortex-a72", False),
    "cortex-a76": Identity(0xD0B, 3, "cortex-a76", True),
}


@dataclass(frozen=True)
class Processor:
    """A core, its clock and its caches: bytes and ways. cores: how many of it the watch has."""

    core: str
    clock_mhz: float
    l1i_bytes: int = 32768
    l1d_bytes: int = 32768
    l2_bytes: int = 524288
    l1i_ways: int = 2
    l1d_ways: int = 4
    l2_ways: int = 16
    cores: int = 4

    @property
    def identity(self) -> Identity:
        """How the core names itself."""
        return IDENTITIES[self.core]


def faked_root(places: Places, processor: Processor) -> Path:
    """A copy (of links) of the arm64 root whose /proc and /sys are those of `processor`, made once."""
    files = faked_files(processor)
    digest = hashlib.sha256(repr((sorted(files.items()), str(places.arm64))).encode()).hexdigest()[:12]
    root = places.build / f"{processor.core}-{digest}"
    if root.is_dir():
        return root
    neighbour = root.with_name(f"{uuid.uuid4().hex}.{root.name}")
    shutil.copytree(places.arm64, neighbour, symlinks=True, copy_function=os.symlink)
    for name, content in files.items():
        path = neighbour / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    try:
        neighbour.rename(root)
    except OSError:  # another call was quicker
        shutil.rmtree(neighbour)
    return root


def faked_files(processor: Processor) -> dict[str, str]:
    """Path under the root -> content, for all that LiteRT's cpuinfo reads."""
    files = {"proc/cpuinfo": _cpuinfo(processor)}
    base, span = "sys/devices/system/cpu", f"0-{processor.cores - 1}" if processor.cores > 1 else "0"
    for name in ("possible", "present", "online"):
        files[f"{base}/{name}"] = f"{span}\n"
    files[f"{base}/kernel_max"], files[f"{base}/isolated"] = f"{processor.cores - 1}\n", "\n"
    for number in range(processor.cores):
        for name, value in _of_one_core(processor, number, span).items():
            files[f"{base}/cpu{number}/{name}"] = f"{value}\n"
    return files


def _cpuinfo(processor: Processor) -> str:
    identity = processor.identity
    lines = [
        "BogoMIPS\t: 38.40",
        f"Features\t: {BASE_FEATURES}{DOT_FEATURES if identity.has_dot_product else ''}",
        f"CPU implementer\t: {ARM:#04x}",
        "CPU architecture: 8",
        f"CPU variant\t: {identity.variant:#x}",
        f"CPU part\t: {identity.part:#05x}",
        "CPU revision\t: 4",
    ]
    blocks = ["\n".join([f"processor\t: {number}", *lines]) for number in range(processor.cores)]
    return "\n\n".join(blocks) + "\n\nHardware\t: Generic\n"


def _of_one_core(processor: Processor, number: int, span: str) -> dict[str, object]:
    identity, khz = processor.identity, round(1000 * processor.clock_mhz)
    own, all_of_them = f"{1 << number:x}", f"{(1 << processor.cores) - 1:x}"
    midr = ARM << 24 | identity.variant << 20 | 0xF << 16 | identity.part << 4 | 4
    files: dict[str, object] = {
        "cpufreq/cpuinfo_max_freq": khz, "cpufreq/cpuinfo_min_freq": khz, "online": 1,
        "topology/physical_package_id": 0, "topology/core_id": number,
        "topology/thread_siblings": own, "topology/thread_siblings_list": number,
        "topology/core_siblings": all_of_them, "topology/core_siblings_list": span,
        "topology/cluster_cpus_list": span, "topology/package_cpus_list": span,
        "regs/identification/midr_el1": f"{midr:#018x}",
    }  # fmt: skip
    caches = (
        ("Data", 1, processor.l1d_bytes, processor.l1d_ways, own, str(number)),
        ("Instruction", 1, processor.l1i_bytes, processor.l1i_ways, own, str(number)),
        ("Unified", 2, processor.l2_bytes, processor.l2_ways, all_of_them, span),
    )
    for index, (kind, level, size, ways, cores, core_list) in enumerate(caches):
        values = {
            "type": kind, "level": level, "size": f"{size // 1024}K", "shared_cpu_map": cores,
            "shared_cpu_list": core_list, "coherency_line_size": LINE_BYTES, "ways_of_associativity": ways,
            "number_of_sets": size // LINE_BYTES // ways, "id": number if level == 1 else 0,
        }  # fmt: skip
        files |= {f"cache/index{index}/{name}": value for name, value in values.items()}
    return files
