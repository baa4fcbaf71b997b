"""How fast ``netmera-kinesis plan`` counts, on one core."""

from __future__ import annotations

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.forecast.survey import survey
from airflow_netmera_kinesis.location import open_exports
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from benchmarks.exports import CODES, ndjson
from benchmarks.job import Figures, run, timed
from benchmarks.table import Row

MIN_EVENTS_PER_SECOND = 100_000
_RECORD_BYTES = 1024 * 1024


def rows(count: int) -> list[Row]:
    figures = run("forecast:count", exports=str(ndjson(count)))
    speed = figures["events"] / figures["survey cpu"]
    return [
        Row("events counted in a CPU second", speed, "", MIN_EVENTS_PER_SECOND, at_least=True),
        Row("    peak memory", figures["rss"], "MB"),
    ]


def count(exports: str) -> Figures:
    """Match and weigh all events as the command does."""
    place = open_exports(exports)
    hooks = parse_definitions(
        [
            {"name": f"hook-{number}", "trigger_type": "EVENT", "event_code": code, "stream_name": "bench"}
            for number, code in enumerate(CODES)
        ],
        "bench",
    )
    figures: Figures = {}
    with timed(figures, "survey"):
        found = survey(place.folder, list(place.files()), hooks, ExportFormat(), _RECORD_BYTES, lambda _: None)
    figures["events"] = found.events
    return figures
