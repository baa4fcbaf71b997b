"""Keep what counts now in files that are never changed: the one of the highest generation counts.

To change it is to create the next generation, which of two that try only one can. So whoever acts on what it read long
ago, as a process does that was paused, finds that somebody was faster, and changes nothing.
"""

from __future__ import annotations

from airflow_netmera_kinesis.errors import LeaseTaken
from airflow_netmera_kinesis.storage import Folder

KEPT = 3


class Overtaken(Exception):
    """Somebody else has moved the pointer on, to ``generation``."""

    def __init__(self, generation: int) -> None:
        super().__init__(f"the pointer is at generation {generation} by now")
        self.generation = generation


def lease_lost(state: Folder) -> LeaseTaken:
    """Tell a process that finds the work of somebody else where it thought to be alone."""
    return LeaseTaken(
        f"somebody else plans or commits in {state.uri}: this process was paused, or cut off from it, for too long. "
        f"Nothing more is done here; run again when the other one has finished"
    )


def read_pointer(state: Folder, name: str) -> tuple[int, bytes]:
    """Return the generation that counts and its content; 0 and nothing before the first."""
    while generations := _generations(state, name):
        latest = max(generations)
        try:
            return latest, state.read(pointer_file(name, latest))
        except FileNotFoundError:
            continue  # it has moved on since it was listed: look again
    return 0, b""


def move_pointer(state: Folder, name: str, generation: int, content: bytes) -> None:
    """Make ``content`` the given generation, the next after the one that was read; Overtaken if that is too late."""
    file = pointer_file(name, generation)
    created = state.create(file, content) or _read(state, file) == content  # the same: its answer was lost on the way
    generations = _generations(state, name)
    latest = max(generations, default=0)
    if not created or latest != generation:
        if created:
            state.delete(file)
        raise Overtaken(latest)
    for old in generations:
        if old <= generation - KEPT:
            state.delete(pointer_file(name, old))


def pointer_file(name: str, generation: int) -> str:
    return f"{name}/{generation:08d}.json"


def _read(state: Folder, file: str) -> bytes | None:
    try:
        return state.read(file)
    except FileNotFoundError:
        return None


def _generations(state: Folder, name: str) -> set[int]:
    begin = f"{name}/"
    found = (info.name.removeprefix(begin).removesuffix(".json") for info in state.list(begin))
    return {int(generation) for generation in found if generation.isdigit()}
