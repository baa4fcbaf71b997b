"""Run DAGs one after another in a process that has Airflow loaded: a line of JSON comes in, a line of JSON goes out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what Airflow prints belongs to the log
    bag = load_dags()
    print(json.dumps({"import_errors": bag.import_errors, "dags": bag.dag_ids}), file=answers, flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        with environment(wanted["environment"]):
            # Anew for each run, as in each of Airflow's own processes: a run leaves its params in the DAG.
            run = load_dags().dags[wanted["dag"]].test(run_conf=wanted["conf"])
        tasks = [(task.task_id, task.map_index, task.state) for task in run.get_task_instances()]
        sys.stdout.flush()
        print(json.dumps({"state": run.state, "tasks": sorted(tasks)}), file=answers, flush=True)


def load_dags() -> Any:
    from airflow.models import DagBag

    return DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])


@contextmanager
def environment(changes: dict[str, Any]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    yield
    os.environ.clear()
    os.environ.update(before)


if __name__ == "__main__":
    main()
