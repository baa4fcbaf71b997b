"""Remember which run asked for which slice, so that clearing a run that is done sends nothing again."""

from __future__ import annotations

import hashlib

import msgspec

from airflow_netmera_kinesis.storage import Folder


class AskedRun(msgspec.Struct, frozen=True):
    """A run by its id, and the slice that was made for it."""

    run: str
    slice: str


def slice_of_run(state: Folder, run: str) -> str:
    """Return the id of the slice that a run asked for; empty if it has none, or if it is no run of a scheduler."""
    try:
        return msgspec.json.decode(state.read(_name(run)), type=AskedRun).slice if run else ""
    except FileNotFoundError:
        return ""


def save_run(state: Folder, run: str, slice_id: str) -> None:
    if run and slice_of_run(state, run) != slice_id:
        state.write(_name(run), msgspec.json.encode(AskedRun(run, slice_id)))


def runs_of(state: Folder, slice_id: str) -> list[str]:
    """Return the ids of all runs that asked for a slice."""
    return sorted(asked.run for asked in _all(state) if asked.slice == slice_id)


def forget_runs_of(state: Folder, slice_id: str) -> None:
    """Let the runs that asked for a slice, which is not sent, ask anew."""
    for run in runs_of(state, slice_id):
        state.delete(_name(run))


def _all(state: Folder) -> list[AskedRun]:
    contents = state.read_many(info.name for info in state.list("runs/"))
    return [msgspec.json.decode(content, type=AskedRun) for content in contents]


def _name(run: str) -> str:
    return f"runs/{hashlib.sha256(run.encode()).hexdigest()[:20]}.json"
