"""Keep how far results were pulled, which rows were seen and which files wait: one pointer that moves them together.

A file of new rows and the digests of these rows are written first, under names that nobody else uses; they count from
the moment on at which the next pointer is created. So a pull that is killed has pulled a row or it has not, and what it
left over is never taken for an export.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Mapping

import msgspec

from airflow_netmera_kinesis.errors import LeaseTaken, StateError
from airflow_netmera_kinesis.storage import Folder

KEPT_POINTERS = 3
# What a killed pull left over; younger files may be those of a pull that is just being overtaken.
LEFT_OVER_MS = 60 * 60 * 1000


class BucketRef(msgspec.Struct, frozen=True):
    """Where a bucket's digests are kept, empty if it has none, and until which time of a pull they are needed."""

    name: str
    keep_until_ms: int


class PullState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a DAG has pulled one place; ``waiting`` names the files that may not be sent yet.

    All results up to ``position_ms`` were asked for, all rows from ``since_ms`` on are remembered.
    """

    generation: int = 0
    position_ms: int | None = None
    since_ms: int = 0
    buckets: dict[int, BucketRef] = {}
    waiting: tuple[str, ...] = ()


def load_pull_state(state: Folder) -> PullState:
    """Return the highest generation, or an empty state before the first pull."""
    while pointers := _pointers(state):
        name = pointers[max(pointers)]
        try:
            return msgspec.json.decode(state.read(name), type=PullState)
        except FileNotFoundError:
            continue  # another pull has advanced beyond it since it was listed: look again
        except msgspec.DecodeError as error:
            raise StateError(
                f"{state.uri}/{name} cannot be read ({error}): restore the file. Without it results of the look-back "
                f"would be sent again"
            ) from None
    return PullState()


def read_digests(state: Folder, kept: PullState, number: int) -> bytes:
    ref = kept.buckets.get(number)
    if ref is None or not ref.name:
        return b""
    try:
        return state.read(ref.name)
    except FileNotFoundError:
        raise StateError(
            f"{state.uri}/{ref.name} is missing: restore the file. Without it results of the look-back would be sent "
            f"again"
        ) from None


def write_digests(state: Folder, number: int, content: bytes) -> str:
    """Keep a bucket's digests in a file of their own; return its name."""
    name = f"seen/{number}.{uuid.uuid4().hex}"
    state.write(name, content)
    return name


def advance(state: Folder, pulled: Folder, before: PullState, after: PullState) -> None:
    """Create the next pointer; LeaseTaken if another pull has done so meanwhile."""
    name = _pointer(after.generation)
    content = msgspec.json.encode(after)
    created = state.create(name, content) or state.read(name) == content  # the same: its answer was lost on the way
    latest = max(_pointers(state), default=0)
    if not created or latest != after.generation:
        if created:
            state.delete(name)
        raise LeaseTaken(
            f"another pull has moved on to generation {latest} in {state.uri} meanwhile: nothing of this one counts; "
            f"run again when it has finished"
        )
    _tidy(state, pulled, before, after)


def _tidy(state: Folder, pulled: Folder, before: PullState, after: PullState) -> None:
    """Delete what the new pointer replaces, and what a killed pull left over."""
    for generation, name in _pointers(state).items():
        if generation <= after.generation - KEPT_POINTERS:
            state.delete(name)
    needed = _names(after)
    for name in _names(before) - needed:
        state.delete(name)
    _delete_left_over(state, needed, "seen/")
    _delete_left_over(pulled, after.waiting, "")


def _delete_left_over(folder: Folder, needed: Container[str], prefix: str) -> None:
    infos = [info for info in folder.list(prefix) if info.name not in needed]
    oldest = folder.now_ms() - LEFT_OVER_MS if infos else 0
    for info in infos:
        if info.modified_ms < oldest:
            folder.delete(info.name)


def _names(pull_state: PullState) -> set[str]:
    return {ref.name for ref in pull_state.buckets.values() if ref.name}


def _pointers(state: Folder) -> Mapping[int, str]:
    names = (info.name for info in state.list("pull/"))
    found = ((name.removeprefix("pull/").removesuffix(".json"), name) for name in names)
    return {int(generation): name for generation, name in found if generation.isdigit()}


def _pointer(generation: int) -> str:
    return f"pull/{generation:08d}.json"
