"""Send exports again that were sent before: trigger it and say which; section [netmera_kinesis] says from where."""

from __future__ import annotations

from airflow_netmera_kinesis.pipeline import resend

dag = resend("netmera_resend")
