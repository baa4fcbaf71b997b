"""Keep every test away from this machine's Airflow, its AWS credentials and its proxies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from airflow_netmera_kinesis.storage import Folder, LocalFolder, S3Folder

if TYPE_CHECKING:
    from airflow_session import AirflowSession, Workplace
    from file_servers import FileServer
    from served_folder import ServedFolder

    from airflow_netmera_kinesis.testing import FakeKinesis

# Airflow reads its home when it is first imported, so this comes before any test module.
_HOME = tempfile.TemporaryDirectory(prefix="airflow-netmera-kinesis-")

for _name in list(os.environ):
    if _name.startswith(("AIRFLOW_", "AWS_", "BOTO_")):
        del os.environ[_name]
os.environ.update(
    AIRFLOW_HOME=_HOME.name,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=os.path.join(_HOME.name, "dags"),  # noqa: PTH118
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    NO_PROXY="127.0.0.1,localhost",
    no_proxy="127.0.0.1,localhost",
)

ON_AIRFLOW_2 = version("apache-airflow").startswith("2.")
if ON_AIRFLOW_2:
    # Airflow 2 finds a connection only after all its tables are known, as they are in each of its processes.
    from airflow.models import import_all_models

    import_all_models()  # type: ignore[no-untyped-call]

# Many tests share two cores: how long an example takes says nothing there.
settings.register_profile("steady", deadline=None, database=None)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    if ON_AIRFLOW_2:
        # What it is built on is out of date and says so at every import; our own code is judged on Airflow 3.
        for category in ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning", "UserWarning"):
            config.addinivalue_line("filterwarnings", f"ignore::{category}")


def pytest_unconfigure() -> None:
    _HOME.cleanup()


# In a process of its own, so that a test may change the clock, the disk or the network of this one. S3 creates an
# object only if there is none in one step; moto looks first and writes second, so here a lock makes it one. S3 alone,
# on connections that stay open, answers in half the time that moto's server for all services takes; and an object that
# is kept as it came need not be copied from a file for each range of it.
MOTO_SERVER = """
import operator, sys, threading
from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response
from werkzeug.serving import WSGIRequestHandler, make_server
one_step, put_object = threading.RLock(), S3Response.put_object
def put_object_in_one_step(*args, **kwargs):
    with one_step:
        return put_object(*args, **kwargs)
S3Response.put_object = put_object_in_one_step
write = FakeKey.value.fset
def keep(key, value):
    write(key, value)
    key.kept = value
FakeKey.value = property(operator.attrgetter("kept"), keep)
WSGIRequestHandler.protocol_version = "HTTP/1.1"
WSGIRequestHandler.log_request = lambda *args: None
server = make_server("127.0.0.1", 0, create_backend_app("s3"), threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("http://127.0.0.1:%d" % server.port, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A moto server on a free loopback port."""
    with subprocess.Popen(
        [sys.executable, "-c", MOTO_SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


@pytest.fixture(scope="session")
def s3(s3_endpoint: str) -> Any:
    """An s3fs filesystem on the moto server, with the bucket ``exports-and-state``."""
    import s3fs

    fs = s3fs.S3FileSystem(endpoint_url=s3_endpoint, key="test", secret="test", skip_instance_cache=True)
    fs.call_s3("create_bucket", Bucket="exports-and-state")
    return fs


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    """An SFTP server on a free loopback port, asyncssh's."""
    from file_servers import sftp_server

    with sftp_server(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture(scope="session")
def ftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    """An FTP server on a free loopback port, pyftpdlib's."""
    from file_servers import ftp_server

    with ftp_server(tmp_path_factory.mktemp("ftp")) as server:
        yield server


@pytest.fixture(params=["sftp", "ftp", "ftp without MLSD"])
def served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedFolder]:
    """A folder on a server of files, with an Airflow connection to it."""
    from served_folder import ServedFolder

    server: FileServer = request.getfixturevalue(request.param.split()[0])
    server.whims.unknown = {"MLSD", "MLST"} if "without" in request.param else set()
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_FILES", json.dumps(server.connection()))
    folder = ServedFolder(server, uuid.uuid4().hex, "netmera_files")
    yield folder
    folder.leave()
    server.whims.reset()


@pytest.fixture(scope="session")
def aws_connection(s3_endpoint: str) -> str:
    """An Airflow connection to the moto server, as ``AIRFLOW_CONN_…`` takes it."""
    extra = {"endpoint_url": s3_endpoint, "region_name": "eu-central-1"}
    return json.dumps({"conn_type": "aws", "login": "test", "password": "test", "extra": extra})


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Folder]:
    """Make folders of one kind: each test runs once on a local path and once on S3."""
    if request.param == "local":
        return lambda name: LocalFolder(tmp_path / name)
    fs = request.getfixturevalue("s3")
    root = f"exports-and-state/{uuid.uuid4().hex}"
    return lambda name: S3Folder(fs, f"{root}/{name}", f"s3://{root}/{name}")


@pytest.fixture
def folder(storage: Callable[[str], Folder]) -> Folder:
    return storage("folder")


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSession]:
    """One Airflow for all tests of the session; each test has its own folders and its own Kinesis."""
    from airflow_session import AirflowSession

    with AirflowSession(tmp_path_factory.mktemp("airflow")) as session:
        yield session


@pytest.fixture
def workplace(tmp_path: Path, airflow: AirflowSession, fake_kinesis: FakeKinesis) -> Workplace:
    from airflow_session import Workplace
    from sample_exports import STREAMS

    for name, shards in STREAMS.items():
        fake_kinesis.core.create_stream(name, shards)
    return Workplace(tmp_path, airflow, fake_kinesis)
