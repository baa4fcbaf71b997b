"""Make whole DAGs: one call to a factory makes one DAG, and the files in ``dags/`` are short calls to them."""

from __future__ import annotations

from airflow_netmera_kinesis.pipeline.events import events_to_kinesis
from airflow_netmera_kinesis.pipeline.message_logs import message_logs_to_kinesis
from airflow_netmera_kinesis.pipeline.replay import replay_dead_letters
from airflow_netmera_kinesis.pipeline.resend import resend

__all__ = ["events_to_kinesis", "message_logs_to_kinesis", "replay_dead_letters", "resend"]
