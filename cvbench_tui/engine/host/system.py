"""What kind of machine Linux runs on: product, hypervisor, container, mitigations. Names are in ``core.facts``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cvbench_tui.core.environment import Fact, known
from cvbench_tui.engine.host.linux import cpuinfo, flags, text, text_of

DMI = "sys/class/dmi/id"
VIRTUAL = re.compile(r"QEMU|KVM|VMware|VirtualBox|Virtual Machine|Xen|HVM domU|Parallels|Bochs|OpenStack")
"""Makers and products that exist as virtual machines only."""
CONTAINERS = re.compile(r"kubepods|kubelet|docker|libpod|lxc|containerd")
NAMES = {"kubepods": "kubernetes", "kubelet": "kubernetes", "libpod": "podman"}
FLAWS = "sys/devices/system/cpu/vulnerabilities"


def system_facts(root: Path = Path("/")) -> Iterator[tuple[str, Fact]]:
    """What the files of ``root`` tell; what is not there is left out."""
    yield from known(SYSTEM_FACTS, root)


def _maybe(root: Path, path: str) -> str:
    """The text of a file; empty when it cannot be read."""
    try:
        return text(root, path)
    except OSError:
        return ""


def _distribution(root: Path) -> Fact:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', text(root, "etc/os-release"), re.MULTILINE)
    return found.group(1) if found else None


def _product(root: Path) -> Fact:
    """Maker and product; a board with a device tree has its model there."""
    words = f"{_maybe(root, f'{DMI}/sys_vendor')} {_maybe(root, f'{DMI}/product_name')}".strip()
    return words or _maybe(root, "proc/device-tree/model").rstrip("\0") or None


def _hypervisor(root: Path) -> Fact:
    """Who runs this virtual machine: Xen's own file, the product's name, or ``unknown``; None on a real machine."""
    if "microsoft" in _maybe(root, "proc/sys/kernel/osrelease").lower():
        return "WSL"
    said = _maybe(root, "sys/hypervisor/type") or _maybe(root, "proc/device-tree/hypervisor/compatible").rstrip("\0")
    product = str(_product(root) or "")
    if said or VIRTUAL.search(product):
        return said or product
    return (product or "unknown") if "hypervisor" in flags(root) else None


def _virtual_machine(root: Path) -> Fact:
    """None where a hypervisor need not show: only x86 processors have a flag for it."""
    if _hypervisor(root):
        return True
    return False if cpuinfo("flags")(root) else None


def _container(root: Path) -> Fact:
    """By the files and variables that container programs leave, else by the groups and mounts of this process."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if written := _maybe(root, "run/systemd/container"):
        return written
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    mounts = re.findall(r"^\S+ \S+ \S+ \S+ / .*$", _maybe(root, "proc/self/mountinfo"), re.MULTILINE)
    found = CONTAINERS.search(_maybe(root, "proc/self/cgroup") + " ".join(mounts))
    return NAMES.get(found.group(), found.group()) if found else "none"


def _flaws(mark: str) -> Callable[[Path], Fact]:
    """A reader of the processor's flaws whose state begins with ``mark``."""

    def read(root: Path) -> Fact:
        found = sorted(file.name for file in (root / FLAWS).iterdir() if file.read_text().startswith(mark))
        return ", ".join(found) or "none"

    return read


SYSTEM_FACTS: dict[str, Callable[[Path], Fact]] = {
    "distribution": _distribution,
    "machine_product": _product,
    "bios_version": text_of(f"{DMI}/bios_version"),
    "virtual_machine": _virtual_machine,
    "hypervisor": _hypervisor,
    "container": _container,
    "mitigations": _flaws("Mitigation"),
    "unmitigated": _flaws("Vulnerable"),
}
"""Readers by the name of the fact."""
