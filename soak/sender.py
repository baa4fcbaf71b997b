"""Be the process that is killed: send the slice, its partitions side by side, and note what leaves it.

``python -m soak.sender <work as JSON> <file for notes>``
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from binascii import a2b_base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import msgspec

from airflow_netmera_kinesis.errors import NetmeraKinesisError
from airflow_netmera_kinesis.stages.send import send_partition
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.testing import event_ids
from soak.work import DEAD_LETTERS, LOG, WHO, Connection, Work

FAILED = 3


class _Record(msgspec.Struct):
    Data: str


class _Request(msgspec.Struct):
    Records: list[_Record]


_read = msgspec.json.Decoder(_Request).decode


class NotingConnection(Connection):
    """A connection whose clients note the events of each request just before it leaves."""

    def __init__(self, endpoint_url: str, notes: int) -> None:
        super().__init__(endpoint_url)
        self._notes = notes

    def put_records_client(self, connections: int) -> Any:
        made = super().put_records_client(connections)
        made.meta.events.register("before-send.kinesis.PutRecords", self._note)
        return made

    def _note(self, request: Any, **_: Any) -> None:
        numbers = [number for record in _read(request.body).Records for number in numbers_in(a2b_base64(record.Data))]
        # One call, straight to the operating system: whole, and there whatever happens to this process.
        os.write(self._notes, " ".join(map(str, numbers)).encode() + b"\n")


def numbers_in(data: bytes) -> Iterator[int]:
    """The numbers of the events in a record."""
    for _, event_id in cast("list[tuple[str, str]]", event_ids(data)):
        yield int(event_id[1:])


def main(work: str, notes: str) -> None:
    asked = msgspec.json.decode(work, type=Work)
    logging.basicConfig(filename=str(Path(asked.root) / "sender.log"), level=logging.INFO)
    fd = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with ThreadPoolExecutor(asked.partitions) as partitions:
        running = [partitions.submit(_send, asked, partition, fd) for partition in range(asked.partitions)]
    failures = [error for each in running if (error := each.exception()) is not None]
    for failure in failures:
        print(f"{type(failure).__name__}: {failure}", file=sys.stderr)
        if not isinstance(failure, NetmeraKinesisError):
            raise failure
    sys.exit(FAILED if failures else 0)


def _send(asked: Work, partition: int, notes: int) -> None:
    send_partition(
        asked.state,
        asked.staging,
        asked.slice_id,
        partition,
        SendSettings(stall_timeout=120.0, max_dead_letters=DEAD_LETTERS),
        connect=lambda: NotingConnection(asked.endpoint_url, notes),
        stop=threading.Event(),
        who=WHO,
        log=LOG,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
