"""An Airflow that is started once and runs DAGs for many tests; it keeps everything that it writes."""

from __future__ import annotations

import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from sample_exports import HOOKS, STREAMS

from airflow_netmera_kinesis.storage import Folder, LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis
from demo.airflow_process import AirflowProcess

TESTS = Path(__file__).parent / "system"
DAG_FOLDERS = (TESTS.parent.parent / "dags", TESTS / "dags")
RUN_SECONDS = 120
LOGIN, PASSWORD = "AKIAWHOLERUNWHOLERUN", "s3cret/of/the+whole+run"


class Run(NamedTuple):
    """What became of a run; ``tasks`` holds the states of each task's instances, ``log`` all that was printed."""

    state: str
    tasks: dict[str, list[str]]
    log: str


class AirflowSession:
    """A home of its own with the shipped DAGs and those of the tests, and a process that runs them."""

    def __init__(self, home: Path) -> None:
        self.home, self._log = home, home / "printed.log"
        self._dags = home / "dags"
        for folder in DAG_FOLDERS:
            shutil.copytree(folder, self._dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        settings = {"AIRFLOW__CORE__DAGS_FOLDER": str(self._dags)}
        assert AirflowProcess(home, self._log, settings).run("db", "migrate") == 0, self.printed()
        self.empty_database = (home / "airflow.db").read_bytes()
        environment = {**os.environ, "AIRFLOW_HOME": str(home), **settings}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(TESTS / "run_dags.py")],
                env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.loaded = self._answer()

    def run(self, dag: str, environment: Mapping[str, str], **conf: Any) -> Run:
        """Run ``dag`` with the params ``conf``; ``environment`` holds its connections and configuration."""
        before = len(self.printed())
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"dag": dag, "environment": dict(environment), "conf": conf}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        tasks: dict[str, list[str]] = {}
        for task, _, state in answer["tasks"]:
            tasks.setdefault(task, []).append(state)
        return Run(answer["state"], tasks, self.printed()[before:])

    def printed(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def rows(self, table: str) -> list[str]:
        """Return the rows of a table of the metadata database, as text."""
        with sqlite3.connect(self.home / "airflow.db") as database:
            return [str(row) for row in database.execute(f"SELECT * FROM {table}")]

    def written(self) -> bytes:
        """Return all that Airflow has written: logs, and the database with what it has not cleaned up."""
        files = [path for path in self.home.rglob("*") if path.is_file() and self._dags not in path.parents]
        return b"\n".join(path.read_bytes() for path in files)

    def _answer(self) -> Any:
        output = self._process.stdout
        assert output is not None
        ready, _, _ = select.select([output], [], [], RUN_SECONDS)
        line = output.readline() if ready else ""
        if not line:
            self._process.kill()
            raise AssertionError(f"no answer within {RUN_SECONDS} s:\n{self.printed()[-5_000:]}")
        return json.loads(line)

    def __enter__(self) -> AirflowSession:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


class Workplace:
    """The folders and the Kinesis of one test, and a connection to it whose keys can be looked for."""

    def __init__(self, root: Path, airflow: AirflowSession, kinesis: FakeKinesis) -> None:
        self.root, self.airflow, self.kinesis = root, airflow, kinesis
        self.exports = root / "exports"
        self.exports.mkdir()
        self.environment: dict[str, str] = {}
        self.connect()

    def connect(self, conn_id: str = "netmera_kinesis_default", **extra: object) -> None:
        connection = json.loads(self.kinesis.airflow_connection())
        connection |= {"login": LOGIN, "password": PASSWORD}
        connection["extra"] |= extra
        self.environment[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(connection)

    def take(self, *paths: Path) -> None:
        for path in paths:
            shutil.copy(path, self.exports)

    def run(self, dag: str = "acme_once", **conf: Any) -> Run:
        places = {name: str(self.root / name) for name in ("exports", "staging", "state")}
        return self.airflow.run(dag, self.environment, **{**places, "hooks": str(HOOKS), **conf})

    def requests(self) -> int:
        """Count what came to Kinesis of this test."""
        return sum(self.kinesis.books.counts(stream).requests for stream in STREAMS)

    def state(self) -> Folder:
        """Return the state of the one DAG that ran."""
        (folder,) = (self.root / "state").iterdir()
        return LocalFolder(folder)
