"""Tell whether a process of this very machine still lives, even after its number was given to another."""

from __future__ import annotations

import os
from pathlib import Path


def process_identity(pid: int | None = None) -> str:
    """Name a process once and for all: boot, process namespace, number, start. Empty where /proc does not tell."""
    number = os.getpid() if pid is None else pid
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
        # The command's name, in brackets, may hold spaces; the start time is field 22, the state field 3.
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot} {namespace} {number} {fields[19]}"


def surely_dead(identity: str) -> bool:
    """Say so only of a process that ran on this machine, in this process namespace, since its last start."""
    mine = process_identity()
    if not identity or not mine or identity.split()[:2] != mine.split()[:2]:
        return False
    return process_identity(int(identity.split()[2])) != identity
