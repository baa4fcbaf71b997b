"""Exports as tables: one file for each event code, in whichever format, arrive as what they say, in order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sample_exports import SampleDeployment, arrivals
from workbooks import workbook

from airflow_netmera_kinesis.exports.format_parsing import parse_export_format
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions

MIDNIGHT = datetime(2026, 9, 7)  # a wall clock in Istanbul
MIDNIGHT_MS = 1_788_728_400_000
CODES = ("n:ph", "n:acp", "n:cl")
HOOKS = parse_definitions(
    [{"name": code, "trigger_type": "EVENT", "event_code": code, "stream_name": "netmera-activity"} for code in CODES],
    "hooks",
)
PER_CODE = parse_export_format(
    {
        "columns": {"Kullanıcı": "userId", "Tarih": "timestamp", "Tutar": "params.es"},
        "types": {"Tutar": "number"},
        "time_format": "%d.%m.%Y %H:%M:%S",
        "files": [
            {"glob": "*_PURCHASE_*", "constants": {"eventCode": "n:ph", "eventName": "Purchase"}},
            {"glob": "*_ACP_*", "constants": {"eventCode": "n:acp"}, "encoding": "cp1254", "delimiter": "|"},
            {"glob": "*_LOGIN_*", "constants": {"eventCode": "n:cl"}, "columns": {"Tutar": "ignore"}},
        ],
    }
)


def minutes(*numbers: int) -> list[datetime]:
    return [MIDNIGHT + timedelta(minutes=number) for number in numbers]


def csv_of(times: list[datetime], delimiter: str) -> str:
    rows = [["Kullanıcı", "Tarih", "Tutar"], *(["ayşe", f"{time:%d.%m.%Y %H:%M:%S}", "5.50"] for time in times)]
    return "".join(delimiter.join(row) + "\r\n" for row in rows)


def test_files_of_one_event_code_each_are_merged_by_time_whatever_their_format(deployment: SampleDeployment) -> None:
    put = deployment.exports.write
    put("app_PURCHASE_20260907.csv", csv_of(minutes(1, 4, 9), ";").encode())
    put("app_ACP_20260907.csv", csv_of(minutes(2, 6, 7), "|").encode("cp1254"))
    sheet: list[list[Any]] = [["Kullanıcı", "Tarih", "Tutar"], *(["ayşe", time, None] for time in minutes(3, 5, 8))]
    put("app_LOGIN_20260907.xlsx", workbook(sheet))
    counts = deployment.counted(hooks=HOOKS, export_format=PER_CODE, order="timestamp", partitions=2)
    assert (counts["delivered"], counts["malformed"]) == (9, 0)
    found = [each.payload for each in arrivals(deployment.kinesis)]
    assert {each["userId"] for each in found} == {"ayşe"}
    came = [((each["eventData"]["timestamp"] - MIDNIGHT_MS) // 60_000, each["eventCode"]) for each in found]
    assert came == [
        (1, "n:ph"), (2, "n:acp"), (3, "n:cl"), (4, "n:ph"), (5, "n:cl"), (6, "n:acp"), (7, "n:acp"), (8, "n:cl"),
        (9, "n:ph"),
    ]  # fmt: skip
    assert {each["eventData"].get("params", {}).get("es") for each in found} == {5.5, None}
