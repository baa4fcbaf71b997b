"""Let a task work on a slice only while it holds the task's lease and the slice is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_netmera_kinesis.errors import SliceCommitted, SliceRefused
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.state.lease import Lease, hold
from airflow_netmera_kinesis.state.open_slice import open_slice
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
        try:
            yield lease
        except OSError:
            lease.check()  # whoever has it now may have removed what this task works with
            raise


def require_open(state: Folder, slice_id: str) -> None:
    """Raise SliceCommitted or SliceRefused unless the slice is the open one."""
    checkpoint = load_checkpoint(state)
    if checkpoint.commit_of(slice_id):
        raise SliceCommitted(f"slice {slice_id} is committed: there is nothing left to do")
    opened = open_slice(state)
    if opened is None or opened.slice != slice_id:
        now = f"the open slice is {opened.slice}" if opened else "no slice is open"
        raise SliceRefused(
            f"slice {slice_id} is not open any more ({now}): it was replaced, abandoned, or committed long ago. "
            f"Nothing was done; start a new run instead of clearing an old one"
        )
    if opened.predecessor != checkpoint.slice:
        raise SliceRefused(
            f"slice {slice_id} was planned after slice {opened.predecessor or 'none'}, but the last one committed is "
            f"{checkpoint.slice or 'none'}: nothing was done; start a new run"
        )
    if opened.closing:
        raise SliceRefused(f"slice {slice_id} is being replaced by another run's plan: start a new run")
