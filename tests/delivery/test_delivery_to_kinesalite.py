"""The same sender against a Kinesis whose authors owe us nothing: everything arrives, in order, at full concurrency.

Needs npm. 20,000 events; NETMERA_KINESIS_LARGE_TESTS=1 makes it 200,000, which takes half a minute.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest
from stand_ins import npm

from airflow_netmera_kinesis.stages.send import send_partition
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.testing import stream_records
from soak.events import choose_users, write_export
from soak.judge import judge
from soak.work import LOG, STREAM, WHO, Connection, Work, client

EVENTS = 200_000 if "NETMERA_KINESIS_LARGE_TESTS" in os.environ else 20_000
USERS, SHARDS = EVENTS // 4, 16


def test_what_is_sent_with_eight_requests_in_flight_is_read_back_complete_and_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = choose_users(EVENTS, USERS, seed=1)
    with npm("kinesalite") as endpoint_url:
        kinesis = client(endpoint_url)
        kinesis.create_stream(StreamName=STREAM, ShardCount=SHARDS)
        kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)
        work = Work(str(tmp_path), endpoint_url)
        write_export(Path(work.exports), users)
        work = work.prepare("none")
        began = time.monotonic()
        counts = send_partition(
            work.state,
            work.staging,
            work.slice_id,
            0,
            SendSettings(concurrency=8),
            connect=lambda: Connection(endpoint_url, read_timeout=30.0),
            stop=threading.Event(),
            who=WHO,
            log=LOG,
        )
        seconds = time.monotonic() - began
        read = ((record["PartitionKey"], record["Data"]) for record in stream_records(kinesis, STREAM))
        found = judge(read, users, ())
        work.commit()
        kinesis.close()
    with capsys.disabled():
        sys.stdout.write(f"\nkinesalite: {EVENTS:,} events, {EVENTS / seconds:,.0f} records a second, {found}\n")
    assert counts == {"staged": EVENTS, "delivered": EVENTS, "dead_letters": 0, "unknown": 0}
    assert (found.arrived, found.lost, found.order_breaks, found.duplicates, found.strangers) == (EVENTS, 0, 0, 0, 0)
