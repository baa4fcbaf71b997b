"""As whom a connection signs: its keys, a role that they assume, or the worker's own identity, never by accident."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.config import Config
from scene import PURCHASES, SLICE, Scene, log, some
from sts import Sts, token_service

from airflow_netmera_kinesis.connection import NetmeraKinesisConnection
from airflow_netmera_kinesis.errors import ConfigurationError, CredentialsRefused, StreamRefused, StreamUnreachable
from airflow_netmera_kinesis.netmera.hook_definition import BatchLimits
from airflow_netmera_kinesis.stages.send import send_partition
from airflow_netmera_kinesis.state.ledger import open_ledger
from airflow_netmera_kinesis.testing import FakeKinesis, Faults, Misfortune

try:
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key
except ImportError:  # Airflow 2
    from airflow.utils.log.secrets_masker import (  # type: ignore[import-not-found,no-redef,unused-ignore]
        should_hide_value_for_key,
    )

ROLE = "arn:aws:iam::111122223333:role/netmera/writer"
LOGIN, PASSWORD, TOKEN = "AKIAROTATEROTATE", "s3cret/of+rotation", "token/of+temporary/keys=="

Store = Callable[..., NetmeraKinesisConnection]


@pytest.fixture(autouse=True)
def short_user_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who calls is found out by reading the source of all that pytest is made of: longer than most of these tests."""
    monkeypatch.setattr(NetmeraKinesisConnection, "_get_caller", lambda self, *_: "test")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    def store(login: str | None = LOGIN, password: str | None = PASSWORD, **extra: Any) -> NetmeraKinesisConnection:
        written = {"conn_type": "netmera_kinesis", "extra": {"region": "eu-central-1", **extra}}
        keys = {name: value for name, value in (("login", login), ("password", password)) if value}
        monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps({**written, **keys}))
        return NetmeraKinesisConnection()

    return store


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with an AWS identity of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATHEWORKERSOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-worker")


@pytest.fixture
def sts() -> Iterator[Sts]:
    with token_service() as service:
        yield service


@pytest.fixture
def scene(tmp_path: Path, fake_kinesis: FakeKinesis) -> Scene:
    fake_kinesis.core.create_stream(PURCHASES, 2)
    return Scene(tmp_path, fake_kinesis)


def stage(scene: Scene) -> None:
    """Let 300 records of as many users wait, for a dozen requests."""
    scene.hooks = (msgspec.structs.replace(scene.hooks[0], batch=BatchLimits(25)), scene.hooks[1])
    scene.stage(some(300, users=300))


def signs(client: Any) -> tuple[str, str, str | None]:
    found = client._request_signer._credentials.get_frozen_credentials()
    return found.access_key, found.secret_key, found.token


def send(scene: Scene, connect: Callable[[], NetmeraKinesisConnection] = NetmeraKinesisConnection) -> dict[str, int]:
    return send_partition(
        scene.state, scene.staging, SLICE, 0, scene.settings,
        connect=connect, stop=threading.Event(), who="test", log=log,
    )  # fmt: skip


def test_temporary_keys_sign_with_their_session_token(store: Store) -> None:
    assert signs(store(session_token=TOKEN).get_conn()) == (LOGIN, PASSWORD, TOKEN)


@pytest.mark.usefixtures("worker")
def test_the_workers_own_identity_signs_only_where_the_connection_says_so(store: Store) -> None:
    own = ("AKIATHEWORKERSOWN", "of-the-worker", None)
    assert signs(store(None, None, credentials="environment").get_conn()) == own
    assert signs(store(None, None, credentials="environment").put_records_client(2)) == own
    assert signs(store(credentials="keys").get_conn()) == (LOGIN, PASSWORD, None)
    with pytest.raises(ConfigurationError, match=r"API key .* is missing.* or say credentials: environment"):
        store(None, None).get_conn()


def test_a_service_account_of_kubernetes_signs_as_the_workers_own_identity(
    store: Store, sts: Sts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of-the-service-account")
    for name, value in {
        "AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ENDPOINT_URL_STS": sts.endpoint_url, "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert signs(store(None, None, credentials="environment").get_conn())[0] == "ASIA1"
    assert sts.asked[0]["WebIdentityToken"] == "of-the-service-account"


def test_an_instance_profile_signs_as_the_workers_own_identity(
    store: Store, sts: Sts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", sts.endpoint_url)
    own = ("ASIAINSTANCE", "of-the-instance", "token-of-the-instance")
    assert signs(store(None, None, credentials="environment").get_conn()) == own


def test_a_role_is_assumed_with_the_keys_and_its_external_id(store: Store, sts: Sts) -> None:
    client = store(role_arn=ROLE, external_id="netmera-42", sts_endpoint_url=sts.endpoint_url).get_conn()
    assert signs(client) == ("ASIA1", "assumed-secret", "assumed-token")
    [asked] = sts.asked
    assert (asked["RoleArn"], asked["ExternalId"], asked["signer"]) == (ROLE, "netmera-42", LOGIN)
    assert asked["RoleSessionName"] == "airflow_netmera_kinesis_default"


@pytest.mark.usefixtures("worker")
def test_a_role_is_assumed_with_the_workers_own_identity(store: Store, sts: Sts) -> None:
    connection = store(None, None, credentials="environment", role_arn=ROLE, sts_endpoint_url=sts.endpoint_url)
    assert signs(connection.put_records_client(1))[0] == "ASIA1"
    assert [(asked["signer"], "ExternalId" in asked) for asked in sts.asked] == [("AKIATHEWORKERSOWN", False)]


def test_the_endpoint_of_kinesis_is_never_taken_for_that_of_sts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    wrapped = store(role_arn=ROLE, endpoint_url="http://127.0.0.1:9").conn_config
    assert wrapped.get_service_endpoint_url("sts", sts_connection_assume=True) is None
    assert wrapped.botocore_config is not None
    assert wrapped.botocore_config.ignore_configured_endpoint_urls is True


def test_a_role_that_may_not_be_assumed_is_told_with_what_to_look_at(store: Store, sts: Sts) -> None:
    sts.refuses = {LOGIN: "AccessDenied"}
    connection = store(role_arn=ROLE, sts_endpoint_url=sts.endpoint_url)
    with pytest.raises(CredentialsRefused, match=f"role {ROLE}, assumed with .* STS refused with AccessDenied.*trust"):
        connection.get_conn()


def test_an_sts_that_does_not_answer_is_told_apart_from_one_that_refuses(store: Store) -> None:
    store(role_arn=ROLE, sts_endpoint_url="http://127.0.0.1:9")
    once = NetmeraKinesisConnection(config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(StreamUnreachable, match=r"the role could not be assumed.*sts_endpoint_url"):
        once.get_conn()


def test_a_worker_without_an_identity_is_told_what_is_missing(store: Store, sts: Sts, scene: Scene) -> None:
    scene.stage(some(10))
    with pytest.raises(CredentialsRefused, match="there is nothing to sign with: Unable to locate credentials"):
        send(scene, lambda: store(None, None, credentials="environment", endpoint_url=scene.kinesis.endpoint_url))
    with pytest.raises(CredentialsRefused, match="Unable to locate credentials"):
        store(None, None, credentials="environment", role_arn=ROLE, sts_endpoint_url=sts.endpoint_url).get_conn()


def test_a_long_run_takes_new_keys_of_its_role_by_itself(
    store: Store, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    stage(scene)
    reads: list[NetmeraKinesisConnection] = []
    with token_service(seconds=300) as short_lived:

        def connect() -> NetmeraKinesisConnection:
            extra = {"endpoint_url": scene.kinesis.endpoint_url, "sts_endpoint_url": short_lived.endpoint_url}
            reads.append(store(role_arn=ROLE, **extra))
            # The keys of the client that asks for streams, and of the one that puts records: both are soon to expire.
            scene.kinesis.faults = Faults(expired_keys=frozenset({"ASIA1", "ASIA2"}))
            return reads[-1]

        assert send(scene, connect)["delivered"] == 300
    assert len(short_lived.asked) > 2
    assert len(reads) == 1
    assert "reading the connection again" not in caplog.text


def test_keys_that_the_role_is_assumed_with_are_read_again_when_sts_refuses_them(
    store: Store, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    stage(scene)
    logins = iter([LOGIN, "AKIATHENEWKEYNEWK"])
    with token_service(seconds=300) as service:

        def connect() -> NetmeraKinesisConnection:
            extra = {"endpoint_url": scene.kinesis.endpoint_url, "sts_endpoint_url": service.endpoint_url}
            return store(next(logins), role_arn=ROLE, **extra)

        scene.kinesis.faults = Rotating(
            left=[1], rotate=lambda: service.refuses.update({LOGIN: "InvalidClientTokenId"})
        )
        assert send(scene, connect)["delivered"] == 300
    assert scene.judge().clean
    assert "the connection has changed; trying again with role" in caplog.text
    assert service.asked[-1]["signer"] == "AKIATHENEWKEYNEWK"


class Rotating(Faults, frozen=True, kw_only=True):
    """Calls ``rotate`` once so many puts were taken; ``code`` is what the put after them meets."""

    left: list[int]
    rotate: Callable[[], None]
    code: Misfortune | None = None

    def misfortune(self, dice: Any) -> Misfortune | None:
        self.left[0] -= 1
        if self.left[0] == -1:
            self.rotate()
            return self.code
        return None


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A secrets backend of Airflow's own, and a way to change the connection that it holds."""
    file = tmp_path / "connections.json"
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "airflow.secrets.local_filesystem.LocalFilesystemBackend")
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", json.dumps({"connections_file_path": str(file)}))
    with suppress(ImportError, AttributeError):  # Airflow 3 keeps its backends
        monkeypatch.setattr("airflow.sdk.configuration._secrets_backend_cache", {})

    def change(login: str = LOGIN, **extra: Any) -> None:
        fields = {"conn_type": "netmera_kinesis", "login": login, "password": PASSWORD}
        written = {**fields, "extra": {"region": "eu-central-1", **extra}}
        file.write_text(json.dumps({"netmera_kinesis_default": written}))

    return change


def test_a_key_that_is_changed_in_the_secrets_backend_takes_effect_in_a_running_task(
    scene: Scene, backend: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    stage(scene)
    endpoint_url = scene.kinesis.endpoint_url
    backend(endpoint_url=endpoint_url)

    def rotate() -> None:
        scene.kinesis.faults = Faults(expired_keys=frozenset({LOGIN}))
        backend("AKIATHENEWKEYNEWK", endpoint_url=endpoint_url)

    scene.kinesis.faults = Rotating(left=[2], rotate=rotate, code=Misfortune.EXPIRED_TOKEN)
    assert send(scene)["delivered"] == 300
    verdict = scene.judge()
    assert verdict.clean
    assert verdict.duplicates == 0
    assert caplog.text.count("reading the connection again") == 1
    assert "the connection has changed; trying again with the connection's keys" in caplog.text
    assert "AKIATHENEWKEYNEWK" not in caplog.text


def test_each_expiry_may_be_met_with_another_key(scene: Scene, backend: Callable[..., None]) -> None:
    stage(scene)
    keys = [f"AKIAROTATION000{number}" for number in range(3)]
    backend(keys[0], endpoint_url=scene.kinesis.endpoint_url)

    def rotate(number: int = 1) -> None:
        backend(keys[number], endpoint_url=scene.kinesis.endpoint_url)
        expired = frozenset(keys[:number])
        if number + 1 < len(keys):
            scene.kinesis.faults = Rotating(left=[2], rotate=lambda: rotate(number + 1), expired_keys=expired)
        else:
            scene.kinesis.faults = Faults(expired_keys=expired)

    scene.kinesis.faults = Rotating(left=[1], rotate=rotate)
    assert send(scene)["delivered"] == 300
    assert scene.judge().clean


def test_a_connection_that_is_as_it_was_is_read_once_then_the_task_fails_and_the_ledger_is_kept(
    scene: Scene, backend: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    stage(scene)
    backend(endpoint_url=scene.kinesis.endpoint_url)

    def expire() -> None:
        scene.kinesis.faults = Faults(expired_keys=frozenset({LOGIN}))

    scene.kinesis.faults = Rotating(left=[2], rotate=expire, code=Misfortune.EXPIRED_TOKEN)
    with pytest.raises(
        CredentialsRefused, match=r"ExpiredToken.*read again, and it did not help: the keys have expired"
    ):
        send(scene)
    assert caplog.text.count("reading the connection again") == 1
    assert "the connection is as it was" in caplog.text
    with open_ledger(scene.state, SLICE, PURCHASES, 0) as ledger:
        kept = ledger.delivered_count
    assert kept == scene.kinesis.books.counts(PURCHASES).stored > 0

    scene.kinesis.faults = Faults()
    assert send(scene)["delivered"] == 300
    assert scene.judge().duplicates == 0


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"active": False}, StreamRefused, "was switched off while slice"),
        ({"region": "eu-west-1"}, ConfigurationError, "was begun for eu-central-1"),
        ({"active": "perhaps"}, ConfigurationError, "extra 'active' is 'perhaps'"),
    ],
)
def test_what_else_was_changed_in_the_connection_holds_too(
    scene: Scene, backend: Callable[..., None], changed: dict[str, Any], error: type[Exception], says: str
) -> None:
    stage(scene)
    backend(endpoint_url=scene.kinesis.endpoint_url)
    scene.kinesis.faults = Rotating(
        left=[2],
        rotate=lambda: backend(**{"endpoint_url": scene.kinesis.endpoint_url, **changed}),
        code=Misfortune.EXPIRED_TOKEN,
    )
    with pytest.raises(error, match=says):
        send(scene)
    with open_ledger(scene.state, SLICE, PURCHASES, 0) as ledger:
        assert ledger.delivered_count == scene.kinesis.books.counts(PURCHASES).stored > 0


def test_keys_that_expire_before_the_first_record_are_read_again_too(
    scene: Scene, backend: Callable[..., None]
) -> None:
    scene.stage(some(100))
    backend(endpoint_url=scene.kinesis.endpoint_url)

    def connect() -> NetmeraKinesisConnection:
        read = NetmeraKinesisConnection()
        assert read.settings.active
        scene.kinesis.faults = Faults(expired_keys=frozenset({LOGIN}))
        backend("AKIATHENEWKEYNEWK", endpoint_url=scene.kinesis.endpoint_url)
        return read

    assert send(scene, connect)["delivered"] == 100


def test_no_token_and_no_assumed_key_is_ever_logged(
    store: Store, sts: Sts, caplog: pytest.LogCaptureFixture, scene: Scene
) -> None:
    caplog.set_level(logging.DEBUG)
    scene.stage(some(10))
    extra = {"endpoint_url": scene.kinesis.endpoint_url, "sts_endpoint_url": sts.endpoint_url}
    assert send(scene, lambda: store(role_arn=ROLE, session_token=TOKEN, **extra))["delivered"] == 10
    for secret in (PASSWORD, TOKEN, "assumed-secret", "assumed-token"):
        assert secret not in caplog.text


def test_api_key_and_session_token_are_masked_as_the_password_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    monkeypatch.setattr("airflow_netmera_kinesis.connection.mask_secret", masked.append)
    assert store(session_token=TOKEN).settings.active
    assert masked == [LOGIN, TOKEN]
    assert should_hide_value_for_key("session_token")  # type: ignore[no-untyped-call,unused-ignore]
