"""Do a whole run in a process of its own, which kills or pauses itself right before a step of one of its tasks.

The processes are forked from one that has everything loaded, so each takes no longer than the run itself.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections import Counter
from contextlib import suppress
from multiprocessing import connection, context, get_context
from pathlib import Path
from typing import Any, NamedTuple

from deployment import Deployment
from fate import Fate, FatedFolder

from airflow_netmera_kinesis.errors import NetmeraKinesisError
from airflow_netmera_kinesis.state import lease as leases
from airflow_netmera_kinesis.storage import Folder, LocalFolder, S3Folder, object_appender
from airflow_netmera_kinesis.testing import FakeKinesis

TASKS = ("plan", "match", "gate", "send", "commit")
# So few records wait for S3 that a run of this size has several uploads.
UNFLUSHED_RECORDS = 8


class Doom(NamedTuple):
    """What befalls the process before step ``number`` of ``task``; ``elsewhere`` is a machine that nobody can ask."""

    signal: signal.Signals
    task: str
    number: int
    elsewhere: bool = False


SPARED = Doom(signal.SIGKILL, "", 0)


class Place(NamedTuple):
    """Where the folders of a deployment are: below ``root``, on S3 if there is an endpoint."""

    root: str
    s3_endpoint: str = ""

    def folder(self, name: str) -> Folder:
        if not self.s3_endpoint:
            return LocalFolder(f"{self.root}/{name}")
        import s3fs

        fs = s3fs.S3FileSystem(endpoint_url=self.s3_endpoint, key="test", secret="test")
        return S3Folder(fs, f"{self.root}/{name}", f"s3://{self.root}/{name}")


class DoomedRun:
    """A run on its way to its doom; use it as a context manager."""

    def __init__(self, forks: context.ForkServerContext, place: Place, kinesis: FakeKinesis, doom: Doom) -> None:
        self._words, words = forks.Pipe(duplex=False)
        self._process = forks.Process(target=live, args=(place, kinesis.endpoint_url, doom, words))
        self._process.start()
        words.close()

    def steps(self) -> Counter[str]:
        """Wait for the end of a run that is spared, and tell how many steps each task took."""
        stopped, steps = self._told()
        assert not stopped, stopped
        return steps

    def killed(self) -> bool:
        """Wait for its end; say whether it was killed, or ended well without meeting that step."""
        self._process.join()
        return self._process.exitcode == -signal.SIGKILL or not self.steps()

    def paused(self) -> bool:
        """Wait until it is paused, or has ended well without meeting that step."""
        status = Path(f"/proc/{self._process.pid}/stat")
        while self._process.is_alive():
            with suppress(FileNotFoundError):  # it has ended since it was asked for
                if status.read_text().rpartition(")")[2].split()[0] == "T":
                    return True
            time.sleep(0.005)
        return not self.steps()

    def woken(self) -> str:
        """Wake it up, and return what stopped it; nothing if it ended well."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGCONT)
        return self._told()[0]

    def _told(self) -> tuple[str, Counter[str]]:
        stopped, steps = self._words.recv()
        self._process.join()
        return str(stopped), steps

    def __enter__(self) -> DoomedRun:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        self._words.close()


def fork_server() -> context.ForkServerContext:
    """Make what forks the processes; it starts with the first one."""
    forks = get_context("forkserver")
    forks.set_forkserver_preload(["doomed", "s3fs"])
    return forks


def live(place: Place, kinesis_url: str, doom: Doom, words: connection.Connection) -> None:
    """Do a run; tell what stopped it, and how many steps each task took."""
    # What a process has written outlives it; to wait for the disk would only be slow.
    os.fsync = os.fdatasync = lambda fd: None
    object_appender.UNFLUSHED_RECORDS = UNFLUSHED_RECORDS
    if doom.elsewhere:
        vars(leases)["process_identity"] = str
    kinesis = FakeKinesis()
    kinesis.endpoint_url = kinesis_url
    fate = Fate(doom.task, doom.number, doom.signal)
    leases._now = fate.clock(leases._now)
    run = Deployment(lambda name: FatedFolder(place.folder(name), fate), kinesis)
    stopped = ""
    try:
        do_all_tasks(run, fate)
    except NetmeraKinesisError as error:
        stopped = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - told to who waits for it
        stopped = traceback.format_exc()
    words.send((stopped, fate.steps))


def do_all_tasks(run: Deployment, fate: Fate) -> None:
    fate.now = "plan"
    current = run.planned()
    for fate.now in TASKS[1:]:
        task: Any = getattr(run, fate.now)
        task(current)
