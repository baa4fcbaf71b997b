"""A fake Kinesis that behaves like the real one at its worst, to try senders and DAGs against.

:class:`FakeKinesis` serves any boto3 client from a thread, :class:`FakeKinesisProcess` from a process of its own
(``python -m airflow_netmera_kinesis.testing``), and :class:`FakeKinesisCore` answers without sockets, with a clock
that the caller owns. :class:`Faults` and :class:`ShardQuota` say what goes wrong; the books say what arrived. In
pytest, the fixture ``fake_kinesis`` gives each test its own.
"""

from __future__ import annotations

from airflow_netmera_kinesis.tailing.unpacking import unpack
from airflow_netmera_kinesis.testing.books import Books
from airflow_netmera_kinesis.testing.consumer import read_stream, stream_records
from airflow_netmera_kinesis.testing.control import RemoteFakeKinesis
from airflow_netmera_kinesis.testing.core import FakeKinesisCore
from airflow_netmera_kinesis.testing.fake_kinesis import FakeKinesis, FakeKinesisProcess
from airflow_netmera_kinesis.testing.faults import Faults, Misfortune, Oversize, RecordFate
from airflow_netmera_kinesis.testing.judging import OrderBreak, Verdict, event_ids, judge_order
from airflow_netmera_kinesis.testing.quota import ShardQuota
from airflow_netmera_kinesis.testing.refusal import Answer, ConnectionDropped, Refused
from airflow_netmera_kinesis.testing.shard import StoredRecord
from airflow_netmera_kinesis.testing.tally import Tally

__all__ = [
    "Answer",
    "Books",
    "ConnectionDropped",
    "FakeKinesis",
    "FakeKinesisCore",
    "FakeKinesisProcess",
    "Faults",
    "Misfortune",
    "OrderBreak",
    "Oversize",
    "RecordFate",
    "Refused",
    "RemoteFakeKinesis",
    "ShardQuota",
    "StoredRecord",
    "Tally",
    "Verdict",
    "event_ids",
    "judge_order",
    "read_stream",
    "stream_records",
    "unpack",
]
