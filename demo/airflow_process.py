"""Run Airflow's own commands in a home of the demo's own, and leave no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


class AirflowProcess:
    """Airflow's commands, one after another; what they print goes to ``log``."""

    def __init__(self, home: Path, log: Path, settings: dict[str, str]) -> None:
        self._home, self._log = home, log
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "AWS_"))}
        self._environment = {
            **inherited,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **settings,
        }

    def run(self, *arguments: str) -> int:
        """Run ``airflow`` with ``arguments`` and return its exit status; its whole family ends with the caller."""
        with self._log.open("ab") as log:
            log.write(f"\n$ airflow {' '.join(arguments)}\n".encode())
            log.flush()
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("airflow")), *arguments],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
            try:
                return process.wait()
            finally:
                end_session(process)

    def last_lines(self, count: int = 25) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started, whether or not it is still there itself."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)


def connection(endpoint_url: str) -> dict[str, str]:
    """Write the connection as users do, pointed at the embedded Kinesis."""
    extra = {"region": "eu-central-1", "active": True, "endpoint_url": endpoint_url}
    fields: dict[str, Any] = {"conn_type": "netmera_kinesis", "login": "AKIADEMODEMO", "password": "demo-secret-key"}
    return {"AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT": json.dumps({**fields, "extra": extra})}
