"""Lineage is gathered only where somebody may ask for it, and never at the cost of a task."""

from __future__ import annotations

import logging

import pytest

from airflow_netmera_kinesis.operators import lineage
from airflow_netmera_kinesis.operators.lineage import facets_of, gather
from airflow_netmera_kinesis.stages.lineage import FileRead, Lineage

log = logging.getLogger("lineage")


def unreadable() -> Lineage:
    raise OSError("the bucket acme-netmera does not answer")


def test_without_openlineages_provider_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "find_spec", lambda name: None)
    assert gather(unreadable, log) is None


def test_a_lineage_that_cannot_be_read_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert gather(unreadable, log) is None
    assert [record.getMessage() for record in caplog.records] == ["its lineage cannot be told (OSError)"]


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("/srv/exports/day 1.csv", "file", "/srv/exports/day 1.csv"),
        ("s3://acme-netmera/exports/day?.csv", "s3://acme-netmera", "exports/day?.csv"),
        ("sftp://files.acme.example/exports/day.csv", "sftp://files.acme.example", "exports/day.csv"),
    ],
)
def test_files_are_named_as_openlineage_asks(uri: str, namespace: str, name: str) -> None:
    told = facets_of(Lineage("eu-central-1", (FileRead(uri, 2, 3),)))
    assert told is not None
    assert [(file.namespace, file.name) for file in told.inputs] == [(namespace, name)]
