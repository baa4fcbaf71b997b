"""Remember between two plans what a listing alone does not show; bounded by the files that wait."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from airflow_netmera_kinesis.exports.change import looks_untouched
from airflow_netmera_kinesis.state.slice import ExportFile
from airflow_netmera_kinesis.storage import FileInfo, Folder

NAME = "plan.json"


class PlanMemory(msgspec.Struct, omit_defaults=True):
    """``sizes`` are of files whose last line had no newline; ``known`` were compared and hold nothing new."""

    sizes: dict[str, int] = {}
    known: dict[str, ExportFile] = {}

    def is_known(self, info: FileInfo) -> bool:
        known = self.known.get(info.name)
        return known is not None and looks_untouched(info, known.size, known.modified_ms, known.etag)

    def keep_only(self, names: Mapping[str, object]) -> None:
        """Forget the files that the folder does not list any more."""
        self.known = {name: file for name, file in self.known.items() if name in names}


def load_memory(state: Folder) -> PlanMemory:
    try:
        return msgspec.json.decode(state.read(NAME), type=PlanMemory)
    except FileNotFoundError:
        return PlanMemory()


def save_memory(state: Folder, before: PlanMemory, after: PlanMemory) -> None:
    """Write only what changed: most plans find nothing new."""
    if after != before:
        state.write(NAME, msgspec.json.encode(after))
