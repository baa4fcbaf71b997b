"""Let a command be called as if it had a process of its own."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def airflow_logs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command tells Airflow to be silent before it loads it: here it may be loaded, and other tests come after."""
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "CRITICAL")
    from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper

    silent = logging.getLogger("silent")
    silent.propagate = False
    monkeypatch.setattr(AwsConnectionWrapper, "log", silent)
