"""Decide what a slice is: what one run takes of the exports, frozen with all that decides how it is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from urllib.parse import urlsplit

import msgspec

from airflow_netmera_kinesis.errors import SliceRefused
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.storage import Folder


class Purpose(str, Enum):
    """What a slice is for: what is new, exports once more, or what was set aside."""

    NEW = "new"
    RESEND = "resend"
    REPLAY = "replay"


class ExportFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file as the plan saw it; of a file that grows on, the first ``size`` bytes belong to the slice.

    ``skip_lines`` were sent by an earlier slice, so the file's tail is new. ``again`` marks other content under a name
    that was sent before: all of it is sent, and counted as sent again.
    """

    name: str
    size: int
    modified_ms: int
    etag: str = ""
    skip_lines: int = 0
    again: bool = False


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which Kinesis takes the records; the streams are named by the hooks."""

    region: str
    endpoint_url: str = ""


class Terms(msgspec.Struct, frozen=True):
    """What decides how files become records, and where they go. Of a hash key only its fingerprint is known."""

    hooks: tuple[HookDefinition, ...]
    export_format: ExportFormat
    partitions: int
    order: str
    target: Target
    hash_keys: Mapping[str, str] = {}


class Slice(msgspec.Struct, frozen=True):
    """A frozen slice. Its id covers everything that decides what is sent, so an equal plan is the same slice.

    ``groups`` are the files of each match task, as indexes into ``files``. ``predecessor`` is the slice committed
    before. ``known`` are files whose content was sent before under another time; ``forgotten`` are names that vanished.
    """

    id: str
    exports: str
    files: tuple[ExportFile, ...]
    groups: tuple[tuple[int, ...], ...]
    hooks: tuple[HookDefinition, ...]
    export_format: ExportFormat
    partitions: int
    order: str
    target: Target
    predecessor: str
    created_ms: int
    start_after: str = ""
    known: tuple[ExportFile, ...] = ()
    forgotten: tuple[str, ...] = ()
    purpose: Purpose = Purpose.NEW
    hash_keys: Mapping[str, str] = {}

    @property
    def terms(self) -> Terms:
        return Terms(self.hooks, self.export_format, self.partitions, self.order, self.target, self.hash_keys)


def slice_id(key: str, files: Sequence[ExportFile], terms: Terms, predecessor: str, history: str, date: str) -> str:
    """Name a slice by the date of its oldest file and a digest of all that it stands for."""
    content = msgspec.json.encode([key, files, terms, predecessor, history], order="deterministic")
    return f"{date}-{hashlib.sha256(content).hexdigest()[:20]}"


def state_key(dag_id: str, exports: str) -> str:
    """Name the state of one DAG over one place of exports."""
    digest = hashlib.sha256(msgspec.json.encode([dag_id, place_of(exports)])).hexdigest()[:12]
    return f"{re.sub(r'[^a-zA-Z0-9_.-]', '_', dag_id)[:64]}-{digest}"


def place_of(uri: str) -> str:
    """Write the URI of a place in one way: its connection, ``file://`` or a slash at the end make no difference.

    On a server of files the connection is what makes the place: each login sees a root of its own, whatever the host.
    """
    parts = urlsplit(uri)
    connection, _, host = parts.netloc.rpartition("@")
    place = parts._replace(netloc=connection if parts.scheme in ("sftp", "ftp", "ftps") else host)
    if place.scheme in ("file", "local"):
        place = place._replace(scheme="", netloc="")
    return place.geturl().rstrip("/")


def save_slice(state: Folder, new: Slice) -> None:
    state.write(f"slices/{new.id}.json", msgspec.json.encode(new))


def load_slice(state: Folder, slice_id: str) -> Slice:
    """Raise SliceRefused if the slice is not kept any more, or never was."""
    try:
        return msgspec.json.decode(state.read(f"slices/{slice_id}.json"), type=Slice)
    except FileNotFoundError:
        raise SliceRefused(
            f"slice {slice_id} is not in the state folder {state.uri}: it was committed, replaced or abandoned. "
            f"Start a new run instead of clearing an old one"
        ) from None


def delete_slice(state: Folder, slice_id: str) -> None:
    state.delete(f"slices/{slice_id}.json")
    state.delete(f"slices/{slice_id}.gate.json")


def saved_slices(state: Folder) -> set[str]:
    """Return the ids of the slices that are kept, or of which something is left."""
    return {info.name.removeprefix("slices/").partition(".")[0] for info in state.list("slices/")}
