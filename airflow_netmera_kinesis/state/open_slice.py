"""Remember which slice is open: at most one, and it comes before anything new.

A process that was paused may act on what it saw long ago. So a slice is opened only while none is, its marks are set
only while it is the open one, and it says which slice it follows: once another was committed, nobody works on it.
"""

from __future__ import annotations

import msgspec

from airflow_netmera_kinesis.state.pointer import Overtaken, lease_lost, move_pointer, read_pointer
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.storage import Folder

NAME = "open"


class OpenSlice(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which slice is open, and the one it follows.

    While it is ``closing``, plan replaces or abandons it and nobody may begin to work on it.
    """

    slice: str = ""
    predecessor: str = ""
    closing: bool = False


def open_slice(state: Folder) -> OpenSlice | None:
    _, opened = _read(state)
    return opened if opened.slice else None


def begin_slice(state: Folder, new: Slice) -> None:
    """Open a slice that is saved; LeaseTaken if somebody has opened another meanwhile."""
    generation, opened = _read(state)
    if opened.slice:
        raise lease_lost(state)
    _move(state, generation, OpenSlice(new.id, new.predecessor))


def mark_closing(state: Folder, slice_id: str, *, closing: bool) -> None:
    """Set or take back the mark that the open slice is closing; LeaseTaken if it is not the open one any more."""
    generation, opened = _read(state)
    if opened.slice != slice_id:
        raise lease_lost(state)
    if opened.closing != closing:
        _move(state, generation, msgspec.structs.replace(opened, closing=closing))


def end_slice(state: Folder, slice_id: str) -> None:
    """Close the slice if it is still the open one."""
    generation, opened = _read(state)
    if opened.slice == slice_id:
        _move(state, generation, OpenSlice())


def _read(state: Folder) -> tuple[int, OpenSlice]:
    generation, content = read_pointer(state, NAME)
    return generation, msgspec.json.decode(content, type=OpenSlice) if content else OpenSlice()


def _move(state: Folder, generation: int, opened: OpenSlice) -> None:
    try:
        move_pointer(state, NAME, generation + 1, msgspec.json.encode(opened))
    except Overtaken as overtaken:
        raise lease_lost(state) from overtaken
