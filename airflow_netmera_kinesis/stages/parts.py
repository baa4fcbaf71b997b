"""Write the parts of a group side by side, one for each stream and partition that gets a record."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType

from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.state.staging import PartRef, PartWriter
from airflow_netmera_kinesis.storage import Folder


class Parts:
    """They appear when the block ends well, none of them otherwise. ``number`` orders them among those of others."""

    def __init__(self, staging: Folder, slice_id: str, number: int) -> None:
        self._staging, self._slice_id, self._number = staging, slice_id, number
        self._writers: dict[tuple[str, int], PartWriter] = {}
        self._ending = ExitStack()

    def __enter__(self) -> Parts:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.__exit__(kind, error, trace)

    def write(self, stream: str, partition: int, record: StagedRecord) -> None:
        writer = self._writers.get((stream, partition))
        if writer is None:
            writer = PartWriter(self._staging, self._slice_id, stream, partition, self._number)
            self._writers[stream, partition] = self._ending.enter_context(writer)
        writer.write(record)

    def refs(self) -> list[PartRef]:
        """Return what a reader must find; only after the block has ended well."""
        return [writer.ref() for writer in self._writers.values()]
