"""A message-log DAG of the factory that fails at once."""

from __future__ import annotations

from airflow_netmera_kinesis.pipeline import message_logs_to_kinesis

once = message_logs_to_kinesis("acme_message_logs", default_args={"retries": 0})
