"""Remember between two plans what a listing alone does not show; bounded by the files that wait."""

from __future__ import annotations

import msgspec

from airflow_netmera_kinesis.exports.change import looks_untouched
from airflow_netmera_kinesis.state.slice import ExportFile
from airflow_netmera_kinesis.storage import FileInfo, Folder

NAME = "plan.json"


class Sighting(msgspec.Struct, frozen=True, array_like=True):
    """A file as plans have listed it since ``since_ms``."""

    size: int
    modified_ms: int
    since_ms: int


class PlanMemory(msgspec.Struct, omit_defaults=True):
    """``sizes`` are of files whose last line had no newline; ``known`` were compared and hold nothing new.

    ``seen`` are files of the last day on a server that tells no time.
    """

    sizes: dict[str, int] = {}
    known: dict[str, ExportFile] = {}
    seen: dict[str, Sighting] = {}

    def is_known(self, info: FileInfo) -> bool:
        known = self.known.get(info.name)
        return known is not None and looks_untouched(info, known.size, known.modified_ms, known.etag)


def load_memory(state: Folder) -> PlanMemory:
    try:
        return msgspec.json.decode(state.read(NAME), type=PlanMemory)
    except FileNotFoundError:
        return PlanMemory()


def save_memory(state: Folder, before: PlanMemory, after: PlanMemory) -> None:
    """Write only what changed: most plans find nothing new."""
    if after != before:
        state.write(NAME, msgspec.json.encode(after))
