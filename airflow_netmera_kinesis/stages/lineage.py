"""Say which files a slice has read and which streams got how much, for whoever draws where data goes."""

from __future__ import annotations

from collections.abc import Container, Iterable

import msgspec

from airflow_netmera_kinesis.errors import SliceRefused
from airflow_netmera_kinesis.exports.listing import has_magic
from airflow_netmera_kinesis.stages.gate import load_matched
from airflow_netmera_kinesis.state.ledger import done_counts
from airflow_netmera_kinesis.state.match_result import FileResult, MatchResult
from airflow_netmera_kinesis.state.slice import Slice, load_slice
from airflow_netmera_kinesis.storage import Folder


class FileRead(msgspec.Struct, frozen=True):
    """One export; a path or a URI names it."""

    uri: str
    rows: int
    size: int


class Lineage(msgspec.Struct, frozen=True):
    """What a task has read, and how many records it has delivered to each stream."""

    region: str
    files: tuple[FileRead, ...] = ()
    delivered: dict[str, int] = {}


def lineage_of_group(state: Folder, result: MatchResult) -> Lineage:
    """Describe what one match task has read."""
    current = load_slice(state, result.slice)
    return Lineage(current.target.region, _files_read(current, result.files))


def lineage_of_partition(state: Folder, slice_id: str, partition: int) -> Lineage:
    """Describe what one send task has finished."""
    current = load_slice(state, slice_id)
    return Lineage(current.target.region, (), _delivered(state, current, (partition,)))


def lineage_of_slice(state: Folder, slice_id: str) -> Lineage | None:
    """Describe a whole slice, from its files to the streams; None if it is closed already."""
    try:
        current = load_slice(state, slice_id)
    except SliceRefused:
        return None
    matched = load_matched(state, current.id)
    files = _files_read(current, matched.files) if matched else ()
    return Lineage(current.target.region, files, _delivered(state, current, range(current.partitions)))


def _files_read(current: Slice, results: Iterable[FileResult]) -> tuple[FileRead, ...]:
    """What was set aside was not read."""
    root = _root(current)
    return tuple(
        FileRead(f"{root}/{result.name}", result.lines, current.files[result.file].size)
        for result in results
        if not result.set_aside
    )


def _delivered(state: Folder, current: Slice, partitions: Container[int]) -> dict[str, int]:
    matched = load_matched(state, current.id)
    delivered: dict[str, int] = {}
    for stream, parts in (matched.staged if matched else {}).items():
        for partition in parts:
            counts = done_counts(state, current.id, stream, partition) if partition in partitions else None
            if counts is not None:
                delivered[stream] = delivered.get(stream, 0) + sum(counts.delivered.values())
    return delivered


def _root(current: Slice) -> str:
    """The folder that the files' names begin in: exports may also be a glob, or one file."""
    place = _without_connection(current.exports).rstrip("/")
    parts = place.split("/")
    if has_magic(place):
        return "/".join(parts[: next(index for index, part in enumerate(parts) if has_magic(part))])
    return "/".join(parts[:-1]) if [file.name for file in current.files] == parts[-1:] else place


def _without_connection(uri: str) -> str:
    """A server is named by its connection where the URI leaves its host to that."""
    scheme, is_uri, rest = uri.partition("://")
    if not is_uri:
        return uri
    authority, _, path = rest.partition("/")
    connection, _, host = authority.rpartition("@")
    return f"/{path}" if scheme in ("file", "local") else f"{scheme}://{host or connection}/{path}"
