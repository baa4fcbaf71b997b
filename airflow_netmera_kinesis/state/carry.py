"""Carry what an abandoned slice has delivered into the slices after it, so that only the rest is sent.

A firing is carried by its file's name and content, its line, its hook's name and its stream: a file that was mended, or
a hook that feeds another stream now, is sent anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Sequence

import msgspec

from airflow_netmera_kinesis.exports.change import digest_of_beginning
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.state.firing_set import FiringSet, Lines
from airflow_netmera_kinesis.state.pointer import Overtaken, lease_lost, move_pointer, read_pointer
from airflow_netmera_kinesis.state.slice import ExportFile, Slice
from airflow_netmera_kinesis.storage import Folder, ReadableFolder

NAME = "carried"
REMEMBERED_SLICES = 100


class CarriedLines(msgspec.Struct, frozen=True):
    """The lines of a file that one hook has delivered to one stream, a bit for each."""

    hook: str
    stream: str
    bits: bytes


class CarriedFile(msgspec.Struct, frozen=True):
    """What was delivered of a file whose first bytes had this digest."""

    file: ExportFile
    digest: str
    lines: tuple[CarriedLines, ...]


class Carry(msgspec.Struct, frozen=True):
    """What waits to be carried, and the slices that were abandoned last; ``generation`` tells it from what was before.

    ``receipts`` are those of the abandoned slices whose receipts are kept.
    """

    abandoned: tuple[str, ...] = ()
    files: tuple[CarriedFile, ...] = ()
    receipts: tuple[str, ...] = ()
    generation: int = 0


def load_carry(state: Folder) -> Carry:
    _, content = read_pointer(state, NAME)
    return msgspec.json.decode(content, type=Carry) if content else Carry()


def save_carry(state: Folder, carry: Carry) -> None:
    """Store what was made of the carry that was loaded; LeaseTaken if it has changed meanwhile."""
    after = msgspec.structs.replace(carry, generation=carry.generation + 1)
    try:
        move_pointer(state, NAME, after.generation, msgspec.json.encode(after))
    except Overtaken as overtaken:
        raise lease_lost(state) from overtaken


def carry_over(carry: Carry, given_up: Slice, delivered: FiringSet, digests: Sequence[str]) -> Carry:
    """Add what a slice has delivered; ``digests`` are of its files. What was carried for these files is part of it."""
    lines: dict[int, list[CarriedLines]] = {}
    for each in delivered.lines():
        hook = given_up.hooks[each.hook]
        lines.setdefault(each.file, []).append(CarriedLines(hook.name, hook.stream, each.bits))
    names = {given_up.files[index].name for index in lines}
    kept = [file for file in carry.files if file.file.name not in names]
    added = [CarriedFile(given_up.files[index], digests[index], tuple(own)) for index, own in lines.items()]
    return msgspec.structs.replace(carry, files=(*kept, *added))


def remember(carry: Carry, abandoned: str, *, receipts: bool) -> Carry:
    """Add a slice to those that were abandoned; ``receipts`` says whether its receipts are kept."""
    return msgspec.structs.replace(
        carry,
        abandoned=(*carry.abandoned, abandoned)[-REMEMBERED_SLICES:],
        receipts=(*carry.receipts, *((abandoned,) if receipts else ()))[-REMEMBERED_SLICES:],
    )


def without(carry: Carry, names: Container[str]) -> Carry:
    """Forget files that are consumed now, or gone."""
    return msgspec.structs.replace(carry, files=tuple(file for file in carry.files if file.file.name not in names))


def firings_of(
    carry: Carry, exports: ReadableFolder, files: Sequence[ExportFile], hooks: Sequence[HookDefinition]
) -> tuple[FiringSet, tuple[str, ...]]:
    """Find what is delivered already of a slice's files, and name the files that have changed: those are sent anew.

    Reads a file once if the listing does not show that it is the same.
    """
    carried = {file.file.name: file for file in carry.files}
    places = {(hook.name, hook.stream): index for index, hook in enumerate(hooks)}
    found: list[Lines] = []
    changed: list[str] = []
    for index, file in enumerate(files):
        before = carried.get(file.name)
        if before is None:
            continue
        if not _is_same(exports, file, before):
            changed.append(file.name)
            continue
        for lines in before.lines:
            place = places.get((lines.hook, lines.stream))
            if place is not None:
                found.append(Lines(index, place, lines.bits))
    return FiringSet(found), tuple(changed)


def fingerprint(firings: FiringSet) -> str:
    """Name a set by its content; nothing for an empty one."""
    content: Iterable[Lines] = sorted(firings.lines(), key=lambda lines: (lines.file, lines.hook))
    return hashlib.sha256(msgspec.msgpack.encode(list(content))).hexdigest()[:20] if firings else ""


def _is_same(exports: ReadableFolder, file: ExportFile, before: CarriedFile) -> bool:
    seen = before.file
    if file.size == seen.size and file.modified_ms == seen.modified_ms and file.etag == seen.etag:
        return True
    return file.size >= seen.size and digest_of_beginning(exports, file.name, seen.size)[0] == before.digest
