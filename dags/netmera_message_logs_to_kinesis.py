"""Pull new Netmera message logs every minute and send them; section [netmera_kinesis] of airflow.cfg has the rest."""

from __future__ import annotations

from airflow_netmera_kinesis.pipeline import message_logs_to_kinesis

dag = message_logs_to_kinesis("netmera_message_logs_to_kinesis")
