"""DAGs of the factory that do not wait before they try again."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

from airflow_netmera_kinesis.pipeline import events_to_kinesis


def mend_kinesis(_context: Any) -> None:
    """Do what an engineer on call would have done before the second try."""
    from airflow_netmera_kinesis.testing import Faults, RemoteFakeKinesis

    connection = json.loads(os.environ["AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT"])
    RemoteFakeKinesis(connection["extra"]["endpoint_url"]).set_faults(Faults())


once = events_to_kinesis("acme_once", schedule=None, min_age=0, default_args={"retries": 0})
retried = events_to_kinesis(
    "acme_retried",
    schedule=None,
    min_age=0,
    partitions=2,
    default_args={
        "retries": 1,
        "retry_delay": timedelta(0),
        "retry_exponential_backoff": False,
        "on_retry_callback": mend_kinesis,
    },
)
