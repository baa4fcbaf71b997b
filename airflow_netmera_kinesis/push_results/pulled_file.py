"""Decide what becomes of the files of pulled rows: exports while they wait, deleted once they are sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from operator import itemgetter

from airflow_netmera_kinesis.errors import StateError
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.state.checkpoint import Consumed, load_checkpoint, load_manifest
from airflow_netmera_kinesis.storage import FileInfo, Folder


class PulledPlace(ExportPlace, frozen=True):
    """The files of pulled rows that count; what a killed pull left over is no export."""

    waiting: frozenset[str] = frozenset()

    def files(self) -> Iterator[FileInfo]:
        return (info for info in self.folder.list() if info.name in self.waiting)


def write_rows(pulled: Folder, lines: Sequence[tuple[int, bytes]], end_ms: int, name: str) -> str:
    """Write lines with their event times as one export, in the order of these; return its name.

    The name begins with the time up to which was asked, so that files are sent in the order in which they were pulled.
    """
    until = datetime.fromtimestamp(end_ms / 1000, timezone.utc).strftime("%Y%m%dT%H%M")
    full_name = f"push_results_{until}_{name}.ndjson"
    with pulled.writer(full_name) as file:
        for _, line in sorted(lines, key=itemgetter(0)):
            file.write(line + b"\n")
    return full_name


def delete_sent(state: Folder, pulled: Folder) -> Mapping[str, Consumed]:
    """Delete the files that are sent and committed; return all that are remembered as sent."""
    manifest = load_manifest(state, load_checkpoint(state))
    for info in list(pulled.list()):
        if info.name in manifest and manifest[info.name].digest:
            pulled.delete(info.name)
    return manifest


def check_waiting(pulled: Folder, waiting: Sequence[str]) -> None:
    """Raise StateError if a file that waits to be sent is gone."""
    there = {info.name for info in pulled.list()} if waiting else set()
    gone = [name for name in waiting if name not in there]
    if gone:
        raise StateError(
            f"{pulled.uri}/{gone[0]}{f' and {len(gone) - 1} more' if len(gone) > 1 else ''} of pulled results vanished "
            f"before being sent: restore the file, or put an empty one in its place to go on without its rows"
        )
