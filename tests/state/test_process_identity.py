from __future__ import annotations

import os
import subprocess
import sys

from airflow_netmera_kinesis.state.process_identity import process_identity, surely_dead


def test_a_living_process_is_not_dead() -> None:
    assert not surely_dead(process_identity())
    assert not surely_dead(process_identity(os.getppid()))


def test_a_process_that_has_ended_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = process_identity(process.pid)
        assert not surely_dead(identity)
    assert surely_dead(identity)


def test_a_number_given_to_another_process_is_not_the_same_process() -> None:
    boot, namespace, number, start = process_identity().split()
    assert surely_dead(f"{boot} {namespace} {number} {int(start) - 1}")


def test_nothing_is_said_of_processes_elsewhere() -> None:
    boot, namespace, _, start = process_identity().split()
    for identity in ("", f"other-boot {namespace} 999999999 {start}", f"{boot} pid:[1] 999999999 {start}"):
        assert not surely_dead(identity)
