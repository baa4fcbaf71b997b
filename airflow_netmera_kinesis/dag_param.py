"""Declare the params of the DAGs once: for the trigger form, the configuration section and the factory alike."""

from __future__ import annotations

from typing import Any

import msgspec


class DagParam(msgspec.Struct, frozen=True):
    """One param; ``schema`` is JSON Schema, as Airflow's trigger form reads it."""

    name: str
    schema: dict[str, Any]
    description: str
    default: Any = None
    example: str | None = None
    configurable: bool = True


URI = {"type": ["null", "string"], "minLength": 1}
# A line of text in the form, which offers a larger field where a type is a list; --conf may give a number.
TEXT_OR_NUMBER = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}]}

PARAMS = (
    DagParam(
        "exports", URI,
        "Where the exports are: a folder, a file or a glob; a local path, or a URI: s3://, sftp://, ftp://.",
        example="s3://netmera-exports/events/",
    ),
    DagParam(
        "hooks", URI,
        "The hook definitions: a YAML or JSON file, as a local path or an object-storage URI.",
        example="s3://netmera-config/hooks.yaml",
    ),
    DagParam(
        "staging", URI,
        "The working folder that all workers share. Its content may expire after some days; each run empties its part.",
        example="s3://netmera-work/staging/",
    ),
    DagParam(
        "state", URI,
        "The durable folder: checkpoint, ledgers, receipts and dead letters. Never let it expire.",
        example="s3://netmera-state/",
    ),
    DagParam(
        "netmera_kinesis_conn_id", {"type": "string", "minLength": 1},
        "The Airflow connection of type netmera_kinesis that holds keys, region and the active switch.",
        default="netmera_kinesis_default",
    ),
    DagParam(
        "export_format", {"type": ["null", "object", "string"]},
        "How the exports are written (delimiter, column map, time zone and so on): an object, or the URI of a YAML or "
        "JSON file. Empty: recognised by the file's name.",
        example="s3://netmera-config/export_format.yaml",
    ),
    DagParam(
        "partitions", {"type": "integer", "minimum": 1, "maximum": 1024},
        "How many send tasks work side by side, each on its own users.",
        default=1, example="4",
    ),
    DagParam(
        "max_files", {"type": "integer", "minimum": 1},
        "How many files one run takes at most, the oldest first.",
        default=500,
    ),
    DagParam(
        "start_after", {"type": ["null", "string"], "minLength": 1},
        "Leave out for good what is older than this date, by the date in a file's name, else its modification time.",
        example="2026-09-01",
    ),
    DagParam(
        "min_age", TEXT_OR_NUMBER,
        "Leave a file for the next run until it is this old, as it may still be uploaded: seconds, or text such as "
        "5 min. 0 where uploads appear whole, as on S3.",
        default=60,
    ),
    DagParam(
        "order", {"type": "string", "enum": ["file", "timestamp"]},
        "What a user's events follow: the files and their lines, or the events' own time across the files of a run.",
        default="file",
    ),
    DagParam(
        "on_bad_file", {"type": "string", "enum": ["fail", "set_aside"]},
        "What to do about a file that is damaged as a whole: fail the run, or go on without the file and say so.",
        default="fail",
    ),
    DagParam(
        "max_malformed", TEXT_OR_NUMBER,
        "How many of a file's lines may be unreadable; the larger of a share and a number.",
        default="1%, 100",
    ),
    DagParam(
        "max_dead_letters", TEXT_OR_NUMBER,
        "How many of a hook's firings in a run may be set aside, for all reasons; the larger of a share and a number.",
        default="1%, 100",
    ),
    DagParam(
        "receipts", {"type": "boolean"},
        "Keep the receipts (shard id and sequence number of every record) after the run.",
        default=False,
    ),
    DagParam(
        "abandon_slice", {"type": ["null", "string"], "minLength": 1},
        "The id of an open slice to give up: its files are new again, and only what it had not delivered is sent.",
        configurable=False,
    ),
)  # fmt: skip
