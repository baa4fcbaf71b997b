"""Make runs of type backfill, as Airflow's own command does, and run the first task of all of a DAG's at once.

A process of its own, since it forks: ``backfill.py DAYS DAG …``. What the tasks print goes to stderr; the answer, a
line of JSON, names for each DAG each run with its state and with the states and tries of its tasks.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

FIRST = datetime(2026, 9, 1, tzinfo=timezone.utc)


def main(days: int, dag_ids: list[str]) -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from airflow import __version__

    make = make_in_airflow_2 if __version__.startswith("2.") else make_in_airflow_3
    run_first_task = make(days, dag_ids)
    found = {}
    for dag_id in dag_ids:
        start(dag_id)
        at_once(partial(run_first_task, dag_id), run_ids(dag_id))
        found[dag_id] = {run_id: ended(dag_id, run_id) for run_id in run_ids(dag_id)}
    print(json.dumps(found), file=answers, flush=True)


def make_in_airflow_3(days: int, dag_ids: list[str]) -> Callable[[str, str], None]:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.models.backfill import ReprocessBehavior, _create_backfill
    from airflow.sdk.definitions.dag import _run_task
    from airflow.sdk.execution_time.supervisor import in_process_api_server
    from airflow.utils.session import create_session

    asyncio.run(ask_for_its_health(in_process_api_server()))
    manager: Any = DagBundlesManager()  # type: ignore[no-untyped-call]
    manager.sync_bundles_to_db()
    (bundle,) = manager.get_all_dag_bundles()
    bundle.initialize()
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    sync_bag_to_db(bag, bundle.name, bundle.version)
    for dag_id in dag_ids:
        _create_backfill(
            dag_id=dag_id,
            from_date=FIRST,
            to_date=FIRST + timedelta(days=days - 1),
            max_active_runs=days,
            reverse=False,
            dag_run_conf={},
            triggering_user_name="test",
            reprocess_behavior=ReprocessBehavior.NONE,
        )

    def run_first_task(dag_id: str, run_id: str) -> None:
        with create_session() as session:
            ti = first_task(dag_id, run_id, session)
        _run_task(ti=ti, task=bag.dags[dag_id].get_task(ti.task_id))

    return run_first_task


async def ask_for_its_health(server: Any) -> None:
    """Let the first request build what all of them need, once for all the processes."""
    import httpx

    async with httpx.AsyncClient(transport=server.atransport, base_url="http://in-process") as client:
        (await client.get("/health")).raise_for_status()


def make_in_airflow_2(days: int, dag_ids: list[str]) -> Callable[[str, str], None]:
    from airflow.models import DagBag
    from airflow.models.dag import _run_task
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunType

    bag: Any = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    bag.sync_to_db()
    for dag_id, day in itertools.product(dag_ids, range(days)):
        date = FIRST + timedelta(days=day)
        bag.dags[dag_id].create_dagrun(
            state=DagRunState.QUEUED,
            execution_date=date,
            data_interval=(date, date + timedelta(days=1)),
            run_type=DagRunType.BACKFILL_JOB,
        )

    def run_first_task(dag_id: str, run_id: str) -> None:
        with create_session() as session:
            ti = first_task(dag_id, run_id, session)
            ti.task = bag.dags[dag_id].get_task(ti.task_id)
            _run_task(ti=ti, session=session)

    return run_first_task


def start(dag_id: str) -> None:
    """Do what the scheduler does with a run whose turn it is."""
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState

    for run_id in run_ids(dag_id):
        with create_session() as session:
            find_run(dag_id, run_id, session).state = DagRunState.RUNNING
            first_task(dag_id, run_id, session).try_number = 1


def at_once(act: Callable[[str], None], names: list[str]) -> None:
    """Do it for each name in a process of its own, and wait for all."""
    from airflow import settings

    children = []
    for name in names:
        child = os.fork()
        if not child:
            assert settings.engine is not None
            settings.engine.dispose(close=False)
            try:
                act(name)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def ended(dag_id: str, run_id: str) -> dict[str, Any]:
    """Let the scheduler's rules draw the consequences, and tell how the run and its tasks stand."""
    from airflow.utils.session import create_session

    with create_session() as session:
        run = find_run(dag_id, run_id, session)
        run.dag = serialized_dag(dag_id)
        for _ in run.get_task_instances(session=session):  # at most a level of tasks each time
            run.update_state(session=session)
        tasks = {ti.task_id: [ti.state, ti.try_number] for ti in run.get_task_instances(session=session)}
        return {"state": run.state, "type": run.run_type, "tasks": tasks}


def serialized_dag(dag_id: str) -> Any:
    from airflow.models.serialized_dag import SerializedDagModel

    return SerializedDagModel.get_dag(dag_id)


def run_ids(dag_id: str) -> list[str]:
    from airflow.models import DagRun

    return sorted(run.run_id for run in DagRun.find(dag_id=dag_id))


def find_run(dag_id: str, run_id: str, session: Any) -> Any:
    from airflow.models import DagRun

    (run,) = DagRun.find(dag_id=dag_id, run_id=run_id, session=session)
    return run


def first_task(dag_id: str, run_id: str, session: Any) -> Any:
    return find_run(dag_id, run_id, session).get_task_instance("plan", session=session)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
