"""A slice over a folder of exports, and what matching makes of it, without Airflow around."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.match import match_group
from airflow_netmera_kinesis.state.dead_letter import DeadLetter, read_dead_letters
from airflow_netmera_kinesis.state.match_result import MatchResult
from airflow_netmera_kinesis.state.open_slice import begin_slice, end_slice
from airflow_netmera_kinesis.state.slice import ExportFile, Slice, Target, save_slice
from airflow_netmera_kinesis.state.staging import read_part
from airflow_netmera_kinesis.storage import LocalFolder

SAMPLES = Path(__file__).parent.parent / "samples"
HOOKS = load_definitions((SAMPLES / "hooks.yaml").read_bytes(), "hooks.yaml")
SLICE = "20260907-abc"
log = logging.getLogger("test")


def line(code: str = "n:ph", **fields: Any) -> bytes:
    event = {"eventCode": code, "userId": "u-ayşe", "timestamp": 1_788_728_400_000, **fields}
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode() + b"\n"


class Scene:
    """One slice over a folder of exports, with one match task unless said otherwise."""

    def __init__(self, folder: Path) -> None:
        self.state = LocalFolder(folder / "state")
        self.staging = LocalFolder(folder / "staging")
        self.exports = LocalFolder(folder / "exports")

    def put(self, **files: bytes) -> None:
        for name, data in files.items():
            self.exports.write(name, data)

    def plan(
        self,
        *names: str,
        hooks: tuple[HookDefinition, ...] = HOOKS,
        export_format: ExportFormat = ExportFormat(),  # noqa: B008
        groups: tuple[tuple[int, ...], ...] = (),
        skip_lines: int = 0,
        **frozen: Any,
    ) -> None:
        infos = [self.exports.info(name) for name in names or sorted(info.name for info in self.exports.list())]
        files = [ExportFile(i.name, i.size, i.modified_ms, i.etag, skip_lines=skip_lines) for i in infos]
        current = Slice(
            id=SLICE,
            exports="exports",
            files=tuple(files),
            groups=groups or (tuple(range(len(files))),),
            hooks=hooks,
            export_format=export_format,
            target=Target("eu-central-1"),
            predecessor="",
            created_ms=0,
            **{"partitions": 1, "order": "file", **frozen},
        )
        save_slice(self.state, current)
        end_slice(self.state, SLICE)
        begin_slice(self.state, current)

    def match(self, group: int = 0, **more: Any) -> MatchResult:
        """Match one group; ``more`` is what ``match_group`` may be told, such as ``limit_of``."""
        return match_group(self.state, self.staging, self.exports, SLICE, group, "a test", log, **more)

    def staged(self, result: MatchResult) -> list[StagedRecord]:
        return [record for part in result.parts for record in read_part(self.staging, part)]

    def dead_letters(self) -> list[DeadLetter]:
        names = sorted(info.name for info in self.state.list("dead_letters"))
        return [letter for name in names for letter in read_dead_letters(self.state, name)]
