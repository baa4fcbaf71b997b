"""Check what a slice needs before it is matched, unless everything is as it was when it was last found good."""

from __future__ import annotations

from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.preflight.check import Check, Findings, Verdict
from airflow_netmera_kinesis.preflight.flow import Subject, preflight
from airflow_netmera_kinesis.stages.working import require_open
from airflow_netmera_kinesis.state.preflight_memory import PreflightMemory, digest_of, load_memory, save_memory
from airflow_netmera_kinesis.state.slice import Slice, load_slice
from airflow_netmera_kinesis.storage import Folder


def open_slice_of(state: Folder, slice_id: str) -> Slice:
    """Return the slice that is to be checked. Raises SliceCommitted if nothing is left to do, or SliceRefused."""
    require_open(state, slice_id)
    return load_slice(state, slice_id)


def check_changes(state: Folder, current: Slice, subject: Subject, now_ms: int, log: Log) -> Findings | None:
    """Check everything if the slice's definitions or the connection changed since the last good preflight.

    Returns None if nothing did. What is found good is remembered in ``state``.

    :raises NotReady: with a line for each fault
    """
    definitions, connection = digest_of(current.hooks), subject.connector.fingerprint
    memory = load_memory(state)
    changed = memory.changed(definitions, connection)
    if not changed:
        log.info("preflight: definitions and connection are as they were when they were last found good")
        return None
    log.info("preflight: %s", changed)
    findings = check_all(subject, log)
    save_memory(state, PreflightMemory(definitions, connection, now_ms))
    return findings


def check_all(subject: Subject, log: Log) -> Findings:
    """Check everything, a line each.

    :raises NotReady: with a line for each fault
    """
    checks: list[Check] = []
    for check in preflight(subject):
        checks.append(check)
        (log.info if check.verdict in (Verdict.OK, Verdict.UNCHECKED) else log.warning)("%s", check)
    findings = Findings(tuple(checks))
    log.info("preflight: %s", findings)
    findings.require_ready()
    return findings
