"""Operators over one set of places, executed without Airflow."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

from deployment import events, lines

from airflow_netmera_kinesis.location import open_folder
from airflow_netmera_kinesis.operators.slice import PlanSliceOperator

YAML = """
hooks:
  - {name: purchases, trigger_type: EVENT, event_code: "n:ph", stream_name: netmera-purchases}
  - {name: logins, trigger_type: EVENT, event_code: "n:cl", stream_name: netmera-activity}
"""


class Tasks:
    """Makes operators over one set of places, and executes them without Airflow."""

    def __init__(self, root: str) -> None:
        self.places: dict[str, Any] = {name: f"{root}/{name}" for name in ("exports", "staging", "state")}
        open_folder(root).write("hooks.yaml", YAML.encode())
        self.exports = open_folder(self.places["exports"])
        self.exports.write("app_20260906.ndjson", lines(events("06", 30)))
        self.hooks: Any = f"{root}/hooks.yaml"

    def do(self, operator: type[Any], run_type: str = "scheduled", **arguments: Any) -> Any:
        task = operator(task_id="task", **{**self.places, **arguments})
        ti = MagicMock(dag_id="acme", task_id="task", run_id="monday", map_index=-1, try_number=1)
        return task.execute({"ti": ti, "dag_run": MagicMock(run_type=run_type, run_id="monday")})

    def plan(self, **arguments: Any) -> Any:
        return self.do(PlanSliceOperator, **{"hooks": self.hooks, "min_age": 0, **arguments})
