"""Declare the params of the DAG that pulls message logs: those of its own, and those it shares with the events' DAG."""

from __future__ import annotations

from msgspec.structs import replace

from airflow_netmera_kinesis.dag_param import PARAMS, TEXT_OR_NUMBER, DagParam

_SHARED = {param.name: param for param in PARAMS}

OWN_PARAMS = (
    DagParam(
        "netmera_rest_conn_id", {"type": "string", "minLength": 1},
        "The Airflow connection of type netmera_rest that holds the base URL and the REST API key.",
        default="netmera_rest_default",
    ),
    DagParam(
        "notification_keys", {"type": ["null", "string", "integer", "array"], "items": {"type": ["string", "integer"]}},
        "Pull the results of these notifications only: their keys, separated by commas. Empty: of all.",
        example="2345, 2346",
    ),
    DagParam(
        "look_back", TEXT_OR_NUMBER,
        "How late a result may come: each pull asks again for as much time before the last one's end, and what was "
        "pulled before is left out. Seconds, or text such as 90 min.",
        default="3 h",
    ),
    DagParam(
        "max_window", TEXT_OR_NUMBER,
        "How much time one question covers at most; a longer gap is caught up in several. Seconds, or text such as "
        "6 h.",
        default="6 h",
    ),
    DagParam(
        "page_size", {"type": "integer", "minimum": 1, "maximum": 10_000},
        "How many results Netmera is asked for in one request.",
        default=100,
    ),
)  # fmt: skip

MESSAGE_LOG_PARAMS = (
    _SHARED["hooks"],
    _SHARED["staging"],
    _SHARED["state"],
    _SHARED["netmera_kinesis_conn_id"],
    *OWN_PARAMS,
    replace(
        _SHARED["start_after"],
        description="Leave out for good the results of before this date. Without it the first pull begins one "
        "look_back ago.",
    ),
    *(_SHARED[name] for name in ("partitions", "max_malformed", "max_dead_letters", "receipts", "abandon_slice")),
)
