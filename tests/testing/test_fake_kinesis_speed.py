from __future__ import annotations

import time
from base64 import b64encode

import msgspec
import pytest

from airflow_netmera_kinesis.testing import FakeKinesisCore, Faults

REQUESTS = 60


@pytest.mark.parametrize("faults", [Faults(), Faults(rejected=0.01, internal_failure=0.01, dropped_before=0.01)])
def test_it_absorbs_20_000_records_a_second_on_one_core(faults: Faults) -> None:
    """Requests of 500 records of 600 bytes, as they come off the wire; in CPU time, since others may be busy."""
    core = FakeKinesisCore({"purchases": 8}, faults=faults)
    data = b64encode(b"x" * 600).decode()
    bodies = [
        msgspec.json.encode(
            {
                "StreamName": "purchases",
                "Records": [{"Data": data, "PartitionKey": f"user-{r * 500 + n}"} for n in range(500)],
            }
        )
        for r in range(REQUESTS)
    ]
    begun = time.thread_time()
    for body in bodies:
        msgspec.json.encode(core.answer("PutRecords", body).body)
    spent = time.thread_time() - begun
    assert REQUESTS * 500 / spent > 20_000
