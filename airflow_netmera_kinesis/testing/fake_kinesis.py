"""Run the fake Kinesis beside the caller: in a thread, or in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_netmera_kinesis.testing.books import Books
from airflow_netmera_kinesis.testing.control import RemoteFakeKinesis
from airflow_netmera_kinesis.testing.core import FakeKinesisCore
from airflow_netmera_kinesis.testing.faults import Faults
from airflow_netmera_kinesis.testing.server import LOOPBACK, Server

if TYPE_CHECKING:
    from typing_extensions import Self

_START_SECONDS = 30.0


class FakeKinesis:
    """A Kinesis on the loopback interface, served by a thread of this process.

    Takes what :class:`FakeKinesisCore` takes, or a core that exists already::

        with FakeKinesis({"purchases": 2}, faults=Faults(rejected=0.05)) as kinesis:
            boto3.client("kinesis", endpoint_url=kinesis.endpoint_url, ...)
    """

    def __init__(
        self,
        streams: dict[str, int] | None = None,
        *,
        core: FakeKinesisCore | None = None,
        port: int = 0,
        **options: Any,
    ) -> None:
        self.core = core or FakeKinesisCore(streams, **options)
        self.endpoint_url = ""
        self._port = port
        self._failure: BaseException | None = None

    @property
    def books(self) -> Books:
        """What the fake has written down."""
        return self.core.books

    @property
    def faults(self) -> Faults:
        """What goes wrong from now on; assign another :class:`Faults` to change it."""
        return self.core.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.core.faults = faults

    def client(self, **arguments: Any) -> Any:
        """Make a boto3 client for this Kinesis; ``arguments`` are boto3's."""
        import boto3

        return boto3.client("kinesis", **{**self.client_arguments(), **arguments})

    def client_arguments(self) -> dict[str, str]:
        """Give what ``boto3.client("kinesis", …)`` needs to reach this Kinesis; any key and secret do."""
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": self.core.region,
            "aws_access_key_id": "AKIAFAKEKINESIS",
            "aws_secret_access_key": "any secret does",
        }

    def airflow_connection(self) -> str:
        """Give a connection to this Kinesis, as ``AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT`` takes it."""
        known = self.client_arguments()
        connection = {
            "conn_type": "netmera_kinesis",
            "login": known["aws_access_key_id"],
            "password": known["aws_secret_access_key"],
            "extra": {"region": known["region_name"], "endpoint_url": known["endpoint_url"]},
        }
        return msgspec.json.encode(connection).decode()

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="fake-kinesis", daemon=True)
        self._thread.start()
        if not ready.wait(_START_SECONDS):
            raise TimeoutError(f"the fake Kinesis did not start within {_START_SECONDS:.0f} s")
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except OSError as failure:  # the port is taken
            self._failure = failure
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = Server(self.core)
        self.endpoint_url = f"http://{LOOPBACK}:{await server.listen(self._port)}"
        ready.set()
        try:
            await self._stopped.wait()
        finally:
            await server.close()


class FakeKinesisProcess(RemoteFakeKinesis):
    """A Kinesis in a process of its own, which ends with the block or with its parent.

    ``options`` are those of ``python -m airflow_netmera_kinesis.testing``, as on the command line.
    """

    def __init__(self, *options: str) -> None:
        super().__init__("")
        self._command = [sys.executable, "-m", __package__, "--with-parent", *options]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
        assert self._process.stdout is not None
        self.endpoint_url = self._process.stdout.readline().strip()
        if not self.endpoint_url:
            code = self._process.wait()
            self._process.stdout.close()
            raise RuntimeError(f"the fake Kinesis ended with code {code} instead of starting")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
