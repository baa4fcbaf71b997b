"""Tell what was guessed or left unread of files: each remark once, with the files that it is of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.state.match_result import FileResult

NAMED = 20


def tell_notes(files: Sequence[FileResult], log: Log) -> None:
    for names, note in _by_remark((file.name, file.notes) for file in files):
        log.info("%s: %s", names, note)
    for names, warning in _by_remark((file.name, file.warnings) for file in files):
        log.warning("%s: %s", names, warning)


def _by_remark(made: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, str]]:
    names: dict[str, list[str]] = {}
    for name, remarks in made:
        for remark in remarks:
            names.setdefault(remark, []).append(name)
    for remark, files in names.items():
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        yield ", ".join(files[:NAMED]) + more, remark
