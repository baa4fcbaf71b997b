"""What it takes to find 50 new files among 100,000 that were sent before."""

from __future__ import annotations

from pathlib import Path

from airflow_netmera_kinesis.location import open_folder
from airflow_netmera_kinesis.state.checkpoint import Committed, Consumed, advance, load_checkpoint
from airflow_netmera_kinesis.state.slice import state_key
from benchmarks.exports import many_files, scratch
from benchmarks.job import Figures, run, timed
from benchmarks.stages import Work
from benchmarks.table import Row

FILES, NEW = 100_000, 50
MAX_SECONDS = 10.0


def rows() -> list[Row]:
    with scratch("planning") as root:
        figures = run("planning:plan", root=str(root), exports=str(many_files(FILES)))
    return [
        Row(f"plan: {FILES:,} files listed, {NEW} of them new", figures["plan wall"], "s", MAX_SECONDS),
        Row("    peak memory", figures["rss"], "MB"),
        Row("    written to the state folder", figures["written"], "KB"),
    ]


def plan(root: str, exports: str) -> Figures:
    """Remember all files but the last ones as sent, then plan."""
    state = open_folder(str(Path(root) / "state"), "state").child(state_key("bench", exports))
    listed = sorted(open_folder(exports, "exports").list(), key=lambda info: info.name)
    sent = [Consumed(info.name, info.size, info.modified_ms, "", "0" * 64, 1, False) for info in listed[:-NEW]]
    advance(state, load_checkpoint(state), Committed("before", 0, {}), sent, (), "")
    before = sum(info.size for info in state.list())
    figures: Figures = {}
    with timed(figures, "plan"):
        assert Work(root, exports).plan() == 1
    figures["written"] = (sum(info.size for info in state.list()) - before) / 1024
    return figures
