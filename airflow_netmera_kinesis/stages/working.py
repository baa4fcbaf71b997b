"""Let a task work on a slice only while it holds the task's lease and the slice is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_netmera_kinesis.errors import SliceCommitted, SliceRefused
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.state.lease import Lease, hold
from airflow_netmera_kinesis.state.slice import open_slice
from airflow_netmera_kinesis.storage import Folder


@contextmanager
def working_on(state: Folder, slice_id: str, task: str, who: str) -> Iterator[Lease]:
    """Hold the lease of ``task`` (such as ``match-00001`` or ``send-0003``) on an open slice while the block runs.

    ``who`` tells others who holds it. Raises LeaseTaken, SliceCommitted (nothing is left to do), or SliceRefused.
    """
    require_open(state, slice_id)
    with hold(state, f"{slice_id}/{task}", who) as lease:
        # Again, now that plan can see the lease: it marks a slice as closing first, and looks for leases then.
        require_open(state, slice_id)
        yield lease


def require_open(state: Folder, slice_id: str) -> None:
    """Raise SliceCommitted or SliceRefused unless the slice is the open one."""
    commit = load_checkpoint(state).commit_of(slice_id)
    if commit is not None:
        raise SliceCommitted(f"slice {slice_id} is committed: there is nothing left to do")
    opened = open_slice(state)
    if opened is None or opened.slice != slice_id:
        now = f"the open slice is {opened.slice}" if opened else "no slice is open"
        raise SliceRefused(
            f"slice {slice_id} is not open any more ({now}): it was replaced, abandoned, or committed long ago. "
            f"Nothing was done; start a new run instead of clearing an old one"
        )
    if opened.closing:
        raise SliceRefused(f"slice {slice_id} is being replaced by another run's plan: start a new run")
