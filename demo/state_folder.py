"""Learn from the state folder what a run has committed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from airflow_netmera_kinesis.state.checkpoint import Checkpoint, load_checkpoint, load_manifest
from airflow_netmera_kinesis.state.slice import state_key
from airflow_netmera_kinesis.storage import Folder, LocalFolder


class Commit(NamedTuple):
    """What one run has sent; an empty ``slice`` says that it found nothing new."""

    slice: str
    files: list[str]
    counts: Mapping[str, int]
    dead_letters: Mapping[str, int]
    consumed_before: int


class StateFolder:
    """The state of one DAG over one folder of exports, as it was when this object was made."""

    def __init__(self, root: Path, dag_id: str, exports: str) -> None:
        self._folder: Folder = LocalFolder(root).child(state_key(dag_id, exports))
        self._slice, self._files = self._read(load_checkpoint(self._folder))

    def committed_since(self) -> Commit:
        """Tell what was committed after this object was made."""
        checkpoint = load_checkpoint(self._folder)
        now, files = self._read(checkpoint)
        if now == self._slice:
            return Commit("", [], {}, {}, len(self._files))
        commit = checkpoint.commit_of(now)
        assert commit is not None
        new = sorted(name for name, content in files.items() if self._files.get(name) != content)
        return Commit(now, new, commit.counts, self._dead_letters(now), len(self._files))

    def _read(self, checkpoint: Checkpoint) -> tuple[str, dict[str, str]]:
        manifest = load_manifest(self._folder, checkpoint)
        return checkpoint.slice, {name: consumed.digest for name, consumed in manifest.items()}

    def _dead_letters(self, slice_id: str) -> Counter[str]:
        lines = (
            line
            for info in self._folder.list(f"dead_letters/{slice_id}/")
            for line in self._folder.read(info.name).splitlines()
        )
        return Counter(json.loads(line).get("hook") or "no hook" for line in lines)
