"""Send new Netmera events to Kinesis every five minutes; section [netmera_kinesis] of airflow.cfg says from where."""

from __future__ import annotations

from airflow_netmera_kinesis.pipeline import events_to_kinesis

dag = events_to_kinesis("netmera_events_to_kinesis")
