"""Replay the dead letters of netmera_events_to_kinesis: trigger it and say which; what was replayed is marked."""

from __future__ import annotations

from airflow_netmera_kinesis.pipeline import replay_dead_letters

dag = replay_dead_letters("netmera_replay_dead_letters")
