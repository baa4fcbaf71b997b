"""The rings: Airflow edge, domain, storage and wire. Imports point inwards, and the domain is plain Python."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_netmera_kinesis

PACKAGE = "airflow_netmera_kinesis"
ROOT = Path(airflow_netmera_kinesis.__file__).parent

EDGE = {"cli", "connection", "connection_test", "configuration", "export_server", "ftp_connection", "hash_key",
        "location", "object_store", "pipeline", "operators", "rest_connection", "sftp_connection"}  # fmt: skip
# They read and write files, wait, or talk to Kinesis; paths, clients and clocks are handed to them.
STORAGE_AND_WIRE = {
    "again_request", "asked_run", "carry", "checkpoint", "dead_letter", "exports", "forecast", "inspection", "journal",
    "lease", "ledger", "letter_archive", "match_result", "open_slice", "plan_memory", "plan_request", "pointer",
    "preflight", "preflight_memory", "process_identity", "pull_request", "push_results", "receipt", "replay_file",
    "replayed", "rest", "sharing", "slice", "spill", "stages", "staging", "storage", "stream_description", "tailing",
    "transport", "wire",
}  # fmt: skip
# Through a client that is handed to them; botocore names its errors.
TALKS_TO_KINESIS = {"asking", "stream_description", "tailing", "wire"}
FOR_TESTS = {"testing"}
MIXED = {"delivery", "netmera", "state"}  # packages with modules of the domain beside modules that have effects
EFFECTS = {"asyncio", "io", "logging", "multiprocessing", "os", "pathlib", "queue", "shutil", "socket", "subprocess",
           "tempfile", "threading", "time"}  # fmt: skip
PLATFORM = {"airflow", "boto3", "botocore", "aiobotocore", "fsspec", "s3fs"}


def ring_of(path: Path) -> str:
    """Name the module, or the package if all of it is in one ring."""
    parts = path.relative_to(ROOT).parts
    return parts[parts[0] in MIXED].removesuffix(".py")


MODULES = sorted(path for path in ROOT.rglob("*.py") if ring_of(path) not in FOR_TESTS)
DOMAIN = [path for path in MODULES if ring_of(path) not in EDGE | STORAGE_AND_WIRE]
INNER = [path for path in MODULES if ring_of(path) not in EDGE]


def imported_by(path: Path) -> set[str]:
    """Name all that ``path`` imports, wherever in the file: inside a function counts too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return names


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def loaded_after(statement: str) -> set[str]:
    listed = subprocess.run(
        [sys.executable, "-c", f"import sys; {statement}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in listed.stdout.split()}


@pytest.mark.parametrize("path", INNER, ids=named)
def test_only_the_edge_knows_airflow_and_aws(path: Path) -> None:
    known = {name.partition(".")[0] for name in imported_by(path)} & PLATFORM
    assert known <= ({"botocore"} if ring_of(path) in TALKS_TO_KINESIS else set())


@pytest.mark.parametrize("path", INNER, ids=named)
def test_nothing_inside_reaches_back_to_the_edge_or_to_the_fake(path: Path) -> None:
    ours = {name.split(".")[1] for name in imported_by(path) if name.startswith(f"{PACKAGE}.")}
    assert ours & (EDGE | FOR_TESTS) == set()


@pytest.mark.parametrize("path", DOMAIN, ids=named)
def test_the_domain_has_no_files_no_clock_and_no_threads(path: Path) -> None:
    imported = imported_by(path)
    assert {name.partition(".")[0] for name in imported} & EFFECTS == set()
    ours = {name.split(".")[1] for name in imported if name.startswith(f"{PACKAGE}.")}
    assert ours & STORAGE_AND_WIRE == set()


def test_the_stages_run_without_airflow_and_without_aws() -> None:
    modules = [".".join((PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)) for path in INNER]
    names = ", ".join(name.removesuffix(".__init__") for name in modules)
    assert loaded_after(f"import {names}") & PLATFORM == set()


def test_provider_info_is_read_without_importing_airflow() -> None:
    assert (
        loaded_after(f"from {PACKAGE}.provider_info import get_provider_info; get_provider_info()") & PLATFORM == set()
    )


@pytest.mark.parametrize("path", sorted((ROOT / "operators").glob("*.py")), ids=named)
def test_a_dag_that_uses_an_operator_is_parsed_without_loading_aws(path: Path) -> None:
    loaded = loaded_after(f"import airflow.providers.common.compat.sdk; before = set(sys.modules); "
                          f"import {PACKAGE}.operators.{path.stem}; "
                          "sys.modules = {name: 1 for name in set(sys.modules) - before}")  # fmt: skip
    assert loaded & {"boto3", "botocore", "aiobotocore", "s3fs"} == set()
