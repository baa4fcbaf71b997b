"""Real SFTP and FTP servers on the loopback interface, which can be told to lose connections and to refuse things."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what it is built on is out of date on some Pythons
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import DTPHandler, FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

LOGIN, PASSWORD = "netmera", "correct horse"


class Whims:
    """What a server does beside serving; a test sets it, and the fixture sets it back.

    ``lose_after``: each connection breaks once it has handed out more bytes of files (-1: before the first), ``losses``
    times in all. ``denied``: a name that nobody may open. ``unknown``: commands that the FTP server does not know.
    ``refuse``: what the FTP server answers to each password. ``asked`` counts.
    """

    def __init__(self) -> None:
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.reset()

    def reset(self) -> None:
        self.lose_after: int | None = None
        self.losses = 10**6
        self.denied = self.refuse = ""
        self.unknown: set[str] = set()
        self.asked: Counter[str] = Counter()

    def loses(self, handed_out: int) -> bool:
        if self.lose_after is None or not 0 <= self.lose_after < handed_out or not self.losses:
            return False
        self.losses -= 1
        return True

    def denies(self, path: str) -> bool:
        return bool(self.denied) and self.denied in path


class FileServer:
    """A server of ``root``, whose users see nothing else."""

    def __init__(self, scheme: str, root: Path, whims: Whims, port: int, host_key: str = "") -> None:
        self.scheme, self.root, self.whims, self.port, self.host_key = scheme, root, whims, port, host_key

    def connection(self, **changed: Any) -> dict[str, Any]:
        """Return what an Airflow connection to it says."""
        extra = {"host_key": self.host_key, "look_for_keys": False} if self.host_key else {}
        said = {"conn_type": self.scheme, "host": "127.0.0.1", "port": self.port, "login": LOGIN, "password": PASSWORD}
        return {**said, "extra": extra, **changed}


@contextmanager
def sftp_server(root: Path) -> Iterator[FileServer]:
    """Serve files by asyncssh."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sftp server")
    thread.start()
    key, whims = asyncssh.generate_private_key("ssh-ed25519"), Whims()
    listening = asyncio.run_coroutine_threadsafe(_listen(key, root, whims), loop).result()
    try:
        yield FileServer("sftp", root, whims, listening.get_port(), key.export_public_key().decode().strip())
    finally:
        asyncio.run_coroutine_threadsafe(_end(listening, whims), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def ftp_server(root: Path) -> Iterator[FileServer]:
    """Serve files by pyftpdlib."""
    authorizer, whims, loop, stop = DummyAuthorizer(), Whims(), IOLoop(), threading.Event()
    authorizer.add_user(LOGIN, PASSWORD, str(root), perm="elr")
    handler = type("Handler", (_FtpCommands,), {"authorizer": authorizer, "whims": whims})
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)

    def serve() -> None:
        while not stop.is_set():
            loop.loop(timeout=0.1, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve, name="ftp server")
    thread.start()
    try:
        yield FileServer("ftp", root, whims, server.address[1])
    finally:
        stop.set()
        thread.join()


async def _listen(key: asyncssh.SSHKey, root: Path, whims: Whims) -> asyncssh.SSHAcceptor:
    return await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Login(whims),
        server_host_keys=[key],
        sftp_factory=lambda channel: _SftpFiles(channel, root, whims),
    )


async def _end(listening: asyncssh.SSHAcceptor, whims: Whims) -> None:
    listening.close()
    await listening.wait_closed()
    for connection in list(whims.connections):
        connection.abort()
        await connection.wait_closed()


class _Login(asyncssh.SSHServer):
    def __init__(self, whims: Whims) -> None:
        self._whims = whims

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._whims.connections.add(conn)
        self._connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        self._whims.connections.discard(self._connection)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._whims.asked["login"] += 1
        return (username, password) == (LOGIN, PASSWORD)


class _SftpFiles(asyncssh.SFTPServer):
    def __init__(self, channel: Any, root: Path, whims: Whims) -> None:
        super().__init__(channel, chroot=str(root).encode())
        self._whims = whims
        self._handed_out = 0

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        self._look(path, "open")
        return super().open(path, pflags, attrs)

    def scandir(self, path: bytes) -> Any:
        self._look(path, "list")
        return super().scandir(path)

    def stat(self, path: bytes) -> Any:
        self._whims.asked["stat"] += 1
        return super().stat(path)

    def read(self, file_obj: object, offset: int, size: int) -> Any:
        data: Any = super().read(file_obj, offset, size)
        self._handed_out += len(data)
        if self._whims.lose_after == -1 or self._whims.loses(self._handed_out):
            self.channel.get_connection().abort()
        return data

    def _look(self, path: bytes, what: str) -> None:
        self._whims.asked[what] += 1
        if self._whims.denies(path.decode()):
            raise asyncssh.SFTPPermissionDenied("no")


class _FtpData(DTPHandler):  # type: ignore[misc]
    def send(self, data: bytes) -> Any:
        channel = self.cmd_channel
        sent = super().send(data)
        channel.handed_out += sent or 0
        if channel.whims.loses(channel.handed_out):
            channel.close()
        return sent


class _FtpCommands(FTPHandler):  # type: ignore[misc]
    use_sendfile = False
    auth_failed_timeout = 0  # it would let a guesser wait
    dtp_handler = _FtpData
    handed_out = 0
    whims: Whims

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        self.whims.asked[cmd] += 1
        if cmd in self.whims.unknown:
            self.respond(f"500 Unknown command {cmd}.")
        elif cmd == "PASS" and self.whims.refuse:
            self.respond(self.whims.refuse)
        elif cmd in ("RETR", "CWD") and self.whims.denies(arg):
            self.respond("550 Permission denied.")
        elif cmd == "RETR" and self.whims.lose_after == -1:
            self.close()
        else:
            super().pre_process_command(line, cmd, arg)
