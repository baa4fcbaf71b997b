"""Start other people's Kinesis on the loopback interface: moto, and kinesalite or kinesis-local from npm."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import pytest

ACCOUNT, REGION, LOOPBACK = "111122223333", "eu-central-1", "127.0.0.1"

PACKAGES = {"kinesalite": "3.3.3", "kinesis-local": "0.6.2"}
NPM_FOLDER = Path(__file__).parents[1] / ".tools" / "npm"
NPM_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000")
# Without a network npm tries for minutes.
INSTALL_SECONDS, START_SECONDS = 120.0, 60.0
# On a free port of the loopback interface: kinesis-local by itself would listen on every one. The plain one is told.
PLAIN_PORT = 4568
LISTENING = f"""
const net = require('net'), listen = net.Server.prototype.listen
net.Server.prototype.listen = function (where, ...rest) {{
  if ((where.port ?? where) == {PLAIN_PORT})
    this.once('listening', () => require('fs').writeSync(%d, this.address().port + '\\n'))
  return listen.call(this, {{host: '{LOOPBACK}', port: 0}}, ...rest.filter(argument => typeof argument === 'function'))
}}
"""
SCRIPTS = {
    "kinesalite": "require('kinesalite')({createStreamMs: 0, updateStreamMs: 0, shardLimit: 100}).listen(4568)",
    "kinesis-local": "require('./node_modules/kinesis-local/main.js')",
}


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
    """Run a stand-in from npm, installed into .tools/ the first time.

    Where npm is absent or the stand-in cannot be had, the test is skipped with the reason.
    """
    if obstacle := _obstacle():
        pytest.skip(obstacle)
    environment = {
        **os.environ,
        "AWS_ACCOUNT_ID": ACCOUNT,
        "AWS_REGION": REGION,
        "SHARD_LIMIT": "100",
        "LOG_LEVEL": "ERROR",
        "KINESIS_MOCK_PLAIN_PORT": str(PLAIN_PORT),
        "KINESIS_MOCK_CERT_PATH": "node_modules/kinesis-local/server.json",
        **{
            f"{change}_DURATION": "1ms"
            for change in ("CREATE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")
        },
    }
    told, tells = os.pipe()
    with os.fdopen(told) as ports:
        process = subprocess.Popen(
            ["node", "-e", LISTENING % tells + SCRIPTS[name]],
            cwd=NPM_FOLDER,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[tells],
        )
        os.close(tells)
        too_late = threading.Timer(START_SECONDS, process.kill)
        too_late.start()
        with process:
            try:
                port = ports.readline().strip()
                too_late.cancel()
                if not port:
                    pytest.skip(f"{name} does not start with this machine's node")
                yield f"http://{LOOPBACK}:{port}"
            finally:
                too_late.cancel()
                process.kill()


@lru_cache(maxsize=1)
def _obstacle() -> str:
    """Install all of them; return what stands in the way, which the next test need not find out again."""
    install = shutil.which("npm")
    if install is None or shutil.which("node") is None:
        return "needs node and npm"
    if _is_whole():
        return ""
    NPM_FOLDER.parent.mkdir(exist_ok=True)
    packages = [f"{name}@{version}" for name, version in PACKAGES.items()]
    with tempfile.TemporaryDirectory(prefix="npm-", dir=NPM_FOLDER.parent) as folder:
        command = [install, "install", "--prefix", folder, *NPM_OPTIONS, *packages]
        try:
            subprocess.run(
                command,
                check=True,
                timeout=INSTALL_SECONDS,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"npm cannot install {' and '.join(packages)} here ({type(error).__name__}); is there a network?"
        shutil.rmtree(NPM_FOLDER, ignore_errors=True)
        # Somebody else may have been faster.
        with suppress(OSError):
            Path(folder).rename(NPM_FOLDER)
            Path(folder).mkdir()
    return "" if _is_whole() else "npm has installed something else"


def _is_whole() -> bool:
    return all((NPM_FOLDER / "node_modules" / name / "package.json").is_file() for name in PACKAGES)
