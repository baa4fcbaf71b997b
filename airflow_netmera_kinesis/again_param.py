"""Declare the params of the DAGs that send again: a resend of exports, and a replay of dead letters."""

from __future__ import annotations

from airflow_netmera_kinesis.dag_param import PARAMS, DagParam

_OF_EVENTS = {param.name: param for param in PARAMS}
# A list of lines in the form.
LINES = {"type": ["null", "array"], "items": {"type": "string", "minLength": 1}}
DATE = {"type": ["null", "string"], "minLength": 1}
DAG_ID = {"type": ["null", "string"], "minLength": 1}
REASONS = ("MALFORMED", "MISSING_USER_ID", "TOO_LARGE", "REFUSED")
EVENTS_DAG = "netmera_events_to_kinesis"


def _as_for_events(*names: str) -> tuple[DagParam, ...]:
    return tuple(_OF_EVENTS[name] for name in names)


DRY_RUN = DagParam(
    "dry_run", {"type": "boolean"},
    "Only show how many files, events and matches that would be; nothing is sent.",
    default=True, configurable=False,
)  # fmt: skip

RESEND_PARAMS = (
    DagParam(
        "from_date", DATE,
        "The first day (or time) to send again, by the date in a file's name, else its modification time.",
        example="2026-09-01", configurable=False,
    ),
    DagParam(
        "to_date", DATE,
        "The last day (or time) to send again; it belongs to the period.",
        example="2026-09-03", configurable=False,
    ),
    DagParam(
        "files", LINES,
        "Instead of a period: the files to send again, by their names or globs, relative to exports.",
        configurable=False,
    ),
    DRY_RUN,
    DagParam(
        "of_dag", DAG_ID,
        "The DAG that sends these exports as they come: read to tell which files it has sent, and never changed.",
        default=EVENTS_DAG, configurable=False,
    ),
    *_as_for_events(
        "exports", "hooks", "staging", "state", "netmera_kinesis_conn_id", "export_format", "partitions", "min_age",
        "order", "on_bad_file", "max_malformed", "max_dead_letters", "receipts",
    ),
    DagParam(
        "abandon_slice", {"type": ["null", "string"], "minLength": 1},
        "The id of a resend that was sent in part, to give it up.",
        configurable=False,
    ),
)  # fmt: skip

REPLAY_PARAMS = (
    DagParam(
        "of_dag", {"type": "string", "minLength": 1},
        "The DAG whose dead letters are replayed, with its definitions.",
        default=EVENTS_DAG, configurable=False,
    ),
    DRY_RUN,
    DagParam(
        "reasons", {"type": ["null", "array"], "items": {"type": "string", "enum": list(REASONS)}},
        f"Only dead letters with these reasons: {', '.join(REASONS)}.",
        configurable=False,
    ),
    DagParam("letters_of_hooks", LINES, "Only dead letters of these hooks, by their names.", configurable=False),
    DagParam("files", LINES, "Only dead letters of these exports, by name or glob.", configurable=False),
    DagParam("slices", LINES, "Only dead letters of these slices, by their ids.", configurable=False),
    DagParam(
        "again", {"type": "boolean"},
        "Also dead letters that were replayed before: what arrived then arrives twice.",
        default=False, configurable=False,
    ),
    *_as_for_events("hooks", "staging", "state", "netmera_kinesis_conn_id", "export_format", "partitions", "receipts"),
    DagParam(
        "abandon_slice", {"type": ["null", "string"], "minLength": 1},
        "The id of a replay that was sent in part, to give it up.",
        configurable=False,
    ),
)  # fmt: skip
