"""SFTP and FTP servers through Airflow connections: what is accepted, and what is said when something is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from file_servers import LOGIN, PASSWORD, FileServer, sftp_server
from served_folder import ServedFolder

from airflow_netmera_kinesis.errors import ConfigurationError, ExportsUnreachable
from airflow_netmera_kinesis.location import open_exports, open_folder, read_document


def connect(monkeypatch: pytest.MonkeyPatch, server: FileServer, **changed: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_FILES", json.dumps(server.connection(**changed)))


def refusal(uri: str) -> str:
    """Open and list exports; return what is said against it."""
    with pytest.raises(ConfigurationError) as refused:
        list(open_exports(uri).files())
    assert PASSWORD not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose ~/.ssh is the test's own."""
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_exports_are_a_folder_a_glob_or_one_file(served: ServedFolder) -> None:
    for name in ("a.csv", "b.csv", "2026/c.csv", "a.csv.filepart"):
        served.write(name, b"x")

    def names(below: str = "") -> list[str]:
        return sorted(info.name for info in served.place(below).files())

    assert names() == names("") == ["2026/c.csv", "a.csv", "b.csv"]
    assert names("*.csv") == ["a.csv", "b.csv"]
    assert names("**/c*") == ["2026/c.csv"]
    assert names("2026/*") == names("2026") == ["c.csv"]
    assert names("a.csv") == ["a.csv"]


def test_the_host_of_the_connection_may_stand_in_the_uri(served: ServedFolder) -> None:
    served.write("a.csv", b"x")
    for host in ("127.0.0.1", f"127.0.0.1:{served.server.port}"):
        assert [info.name for info in open_exports(served.uri.replace("@", f"@{host}")).files()] == ["a.csv"]
    elsewhere = served.uri.replace("@", "@ftp.example.com")
    assert refusal(elsewhere) == (
        f"exports is {elsewhere!r}, but connection 'netmera_files' leads to 127.0.0.1: name that host, or none "
        f"({served.uri})"
    )


def test_hook_definitions_may_lie_there_too(served: ServedFolder) -> None:
    served.write("hooks.yaml", b"hooks: []")
    assert read_document(f"{served.uri}/hooks.yaml", "hooks") == b"hooks: []"
    with pytest.raises(ConfigurationError, match=r"hooks is .*none\.yaml': there is no such file"):
        read_document(f"{served.uri}/none.yaml", "hooks")


@pytest.mark.parametrize("scheme", ["sftp", "ftp", "ftps"])
@pytest.mark.parametrize("setting", ["staging", "state"])
def test_a_working_folder_cannot_lie_on_a_server_of_files(scheme: str, setting: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_folder(f"{scheme}://netmera_files@/state", setting)
    assert str(refused.value) == (
        f"{setting} is '{scheme}://netmera_files@/state': exports may lie on an SFTP or FTP server, {setting} may not, "
        "since such a server can neither create a file in one step nor tell the time. Allowed: a path that all workers "
        "share, or object storage such as s3://aws_default@bucket/prefix"
    )


@pytest.mark.parametrize("scheme", ["sftp", "ftp", "ftps", "s3", "gs"])
def test_a_connection_that_does_not_exist_is_told_with_what_to_do(scheme: str) -> None:
    kind = {"s3": "aws", "gs": "for gs://"}.get(scheme, scheme)
    assert refusal(f"{scheme}://nobody@bucket/exports") == (
        f"exports is '{scheme}://nobody@bucket/exports': connection 'nobody' does not exist: create it with type "
        f"{kind}, or name another before the @"
    )


def test_a_server_is_named_by_a_connection() -> None:
    assert refusal("sftp://ftp.example.com/exports") == (
        "exports is 'sftp://ftp.example.com/exports'; allowed: the id of an Airflow connection in front, as in "
        "sftp://conn_id@/path"
    )


@pytest.mark.parametrize(
    "uri", [f"sftp://{LOGIN}:{PASSWORD}@host/x", f"ftp://a:{PASSWORD}/p@h@host/x", f"s3://A:{PASSWORD}@b"]
)
def test_a_password_in_a_uri_is_refused_and_not_repeated(uri: str) -> None:
    assert refusal(uri) == (
        f"exports is '{uri.partition(':')[0]}://…@…': what stands before the @ is the id of an Airflow connection, "
        "never a login and a password"
    )


def test_a_connection_without_a_host_is_told(served: ServedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, served.server, host="")
    assert refusal(served.uri).endswith("connection 'netmera_files' has no host: put the server's name there")


def test_a_wrong_password_is_told_once_and_never_tried_again(
    served: ServedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, served.server, password="wrong battery")
    told = refusal(served.uri)
    assert told.startswith("connection 'netmera_files': the server refuses login or password")
    assert "battery" not in told
    assert served.whims.asked["login"] + served.whims.asked["PASS"] == 1


def test_a_server_that_is_full_may_have_room_next_time(ftp: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, ftp)
    (ftp.root / "full").mkdir(exist_ok=True)
    place: Any = open_exports("ftp://netmera_files@/full")
    place.folder._server.end()
    place.folder._server._sleep = lambda _: None
    ftp.whims.refuse = "530 Sorry, the maximum number of clients (5) for this user is already connected."
    with pytest.raises(ExportsUnreachable, match="maximum number of clients"):
        list(place.files())
    ftp.whims.reset()
    assert list(place.files()) == []


def test_a_server_that_does_not_answer_is_left_to_airflows_retries() -> None:
    from airflow_netmera_kinesis.operators.workplace import verdicts

    with pytest.raises(ExportsUnreachable), verdicts():
        raise ExportsUnreachable("connection 'netmera_files' did not answer in 5 tries")


def test_a_folder_that_is_not_there_is_told_with_where_the_user_stands(served: ServedFolder) -> None:
    assert refusal(f"{served.uri}/exprots") == (
        f"exports is '{served.uri}/exprots': the server has neither a folder nor a file there, or its user may not see "
        "it. The path begins at the server's root, as this user sees it; after login the user stands in '/'"
    )


def test_a_host_key_that_nobody_knows_is_refused(sftp: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, sftp, extra={"look_for_keys": False})
    told = refusal("sftp://netmera_files@/")
    assert told.startswith("connection 'netmera_files': nothing says which host key is the server's")
    assert "put it into the extra 'host_key'" in told
    assert "extra 'no_host_key_check': true takes whoever answers" in told


@pytest.mark.parametrize(
    "key", ["nonsense", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 x", "ssh-dsa AAAA", "a b c"]
)
def test_a_host_key_that_is_none_is_told_as_such(sftp: FileServer, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    connect(monkeypatch, sftp, extra={"look_for_keys": False, "host_key": key})
    assert f"extra 'host_key' is {key!r}" in refusal("sftp://netmera_files@/")


def test_a_key_file_that_is_not_there_is_told_as_such(sftp: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"look_for_keys": False, "host_key": sftp.host_key, "key_file": "/nowhere/id_ed25519"}
    connect(monkeypatch, sftp, extra=extra)
    assert "extra 'key_file' is '/nowhere/id_ed25519': this worker has no such file" in refusal(
        "sftp://netmera_files@/"
    )


def test_a_host_key_is_known_from_known_hosts_or_not_asked_for(
    sftp: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, sftp, extra={"look_for_keys": False, "no_host_key_check": True})
    open_exports("sftp://netmera_files@/")
    connect(monkeypatch, sftp, extra={"look_for_keys": False})
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{sftp.port} {sftp.host_key}\n")
    open_exports("sftp://netmera_files@/")


@pytest.mark.parametrize("known", ["extra", "known_hosts", "known_hosts and no_host_key_check"])
def test_a_host_key_that_changed_is_refused(
    known: str, sftp: FileServer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sftp_server(tmp_path) as another:
        pass
    extra: dict[str, Any] = {"look_for_keys": False}
    if known == "extra":
        extra["host_key"] = another.host_key
    else:
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{sftp.port} {another.host_key}\n")
        extra |= {"no_host_key_check": True} if "no_host_key_check" in known else {}
    connect(monkeypatch, sftp, extra=extra)
    before = sftp.whims.asked["login"]
    told = refusal("sftp://netmera_files@/")
    assert told.startswith("connection 'netmera_files': the server's host key is not the one that is expected")
    assert "if the new key is right, put it into the extra 'host_key'" in told
    assert sftp.whims.asked["login"] == before  # nobody was told the password


@pytest.mark.parametrize("extra", [{"host_key": "ssh-dss AAAA"}, {"private_key": "no key at all"}])
def test_an_extra_that_the_provider_cannot_use_is_told_by_the_connection(
    extra: dict[str, str], sftp: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, sftp, extra=extra)
    assert refusal("sftp://netmera_files@/").startswith("connection 'netmera_files': ")


@pytest.mark.parametrize(
    ("scheme", "module", "extra"),
    [
        ("sftp", "airflow.providers.sftp.hooks.sftp", "airflow-netmera-kinesis[sftp]"),
        ("sftp", "paramiko.ssh_exception", "airflow-netmera-kinesis[sftp]"),
        ("ftp", "airflow.providers.ftp.hooks.ftp", "airflow-netmera-kinesis[ftp]"),
        ("ftps", "airflow.providers.ftp.hooks.ftp", "airflow-netmera-kinesis[ftp]"),
        ("s3", "s3fs", "airflow-netmera-kinesis[s3]"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(
    scheme: str, module: str, extra: str, ftp: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_NOT_INSTALLED_{extra[-3:-1].upper()}", json.dumps(ftp.connection()))
    monkeypatch.setitem(sys.modules, module, None)
    told = refusal(f"{scheme}://not_installed_{extra[-3:-1]}@127.0.0.1/exports")
    assert f"what reads {'it' if scheme == 's3' else f'{scheme}://'} is not installed" in told
    assert told.endswith(f"install {extra}")


@pytest.mark.parametrize(
    ("uri", "package"),
    [
        ("gs://bucket/exports", "apache-airflow-providers-google"),
        ("abfs://container/exports", "apache-airflow-providers-microsoft-azure"),
    ],
)
def test_other_object_storage_is_a_matter_of_its_provider(uri: str, package: str) -> None:
    assert refusal(uri).endswith(f"Install {package}")
