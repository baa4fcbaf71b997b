"""Start other people's Kinesis on the loopback interface: moto, and kinesalite or kinesis-local from npm."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ACCOUNT, REGION, LOOPBACK = "111122223333", "eu-central-1", "127.0.0.1"

PACKAGES = ("kinesalite@3.3.3", "kinesis-local@0.6.2")
NPM_FOLDER = Path(__file__).parents[1] / ".tools" / "npm"
# kinesis-local would listen on every interface
LOOPBACK_ONLY = """
const net = require('net'), listen = net.Server.prototype.listen
net.Server.prototype.listen = function (where, ...rest) {
  if (typeof where === 'object') return listen.call(this, {...where, host: '127.0.0.1'}, ...rest)
  return listen.call(this, where, '127.0.0.1', ...rest.filter(argument => typeof argument === 'function'))
}
"""
KINESALITE = "require('kinesalite')({createStreamMs: 0, updateStreamMs: 0, shardLimit: 100}).listen(%d, '127.0.0.1')"
KINESIS_LOCAL = LOOPBACK_ONLY + "require('./node_modules/kinesis-local/main.js')"


@contextmanager
def moto() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def npm(name: str) -> Iterator[str]:
    """Run a stand-in from npm, installed into .tools/ the first time."""
    node, install = shutil.which("node"), shutil.which("npm")
    if os.environ.get("NETMERA_KINESIS_NPM_TESTS") != "1":
        pytest.skip("NETMERA_KINESIS_NPM_TESTS=1 runs it")
    if node is None or install is None:
        pytest.skip("needs node and npm")
    if not (NPM_FOLDER / "node_modules" / name).exists():
        command = [install, "install", "--prefix", str(NPM_FOLDER), "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run([*command, *PACKAGES], check=True, capture_output=True)
    with socket.socket() as plain, socket.socket() as tls:
        for free in (plain, tls):
            free.bind((LOOPBACK, 0))
        ports = [free.getsockname()[1] for free in (plain, tls)]
    environment = {
        **os.environ,
        "AWS_ACCOUNT_ID": ACCOUNT,
        "AWS_REGION": REGION,
        "SHARD_LIMIT": "100",
        "LOG_LEVEL": "ERROR",
        "KINESIS_MOCK_PLAIN_PORT": str(ports[0]),
        "KINESIS_MOCK_TLS_PORT": str(ports[1]),
        "KINESIS_MOCK_CERT_PATH": "node_modules/kinesis-local/server.json",
        **{
            f"{change}_DURATION": "1ms"
            for change in ("CREATE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")
        },
    }
    script = KINESALITE % ports[0] if name == "kinesalite" else KINESIS_LOCAL
    with subprocess.Popen([node, "-e", script], cwd=NPM_FOLDER, env=environment, stdout=subprocess.DEVNULL) as process:
        await_port(ports[0])
        yield f"http://{LOOPBACK}:{ports[0]}"
        process.terminate()


def await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    with socket.socket() as probe:
        while probe.connect_ex((LOOPBACK, port)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
