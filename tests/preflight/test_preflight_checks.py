"""Each check in each of its verdicts, against the fake; and no check ever writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.config import Config

from airflow_netmera_kinesis.connector import ConnectorSettings
from airflow_netmera_kinesis.errors import ConfigurationError, DefinitionError, NotReady, NotReadyYet
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.identity import Identity
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.preflight.check import Check, Findings, Verdict, fault, ok, warning
from airflow_netmera_kinesis.preflight.flow import Subject, preflight
from airflow_netmera_kinesis.preflight.stream_checks import check_stream
from airflow_netmera_kinesis.storage import LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis, FakeKinesisCore, Faults, Misfortune

PURCHASES, CARTS = "netmera-purchases", "netmera-carts"
ADDRESS = {"StreamName": PURCHASES}
HOOK = HookDefinition("purchases", event_code="n:ph", stream_name=PURCHASES)
PUT_RECORDS_ALONE = Faults(denied=frozenset({"ListStreams", "DescribeStreamSummary", "DescribeStream", "ListShards"}))


class Connector:
    """A connection to an endpoint; ``settings`` may be an error."""

    fingerprint = ""

    def __init__(self, endpoint_url: str, **settings: Any) -> None:
        self._settings = ConnectorSettings("eu-central-1", endpoint_url=endpoint_url, **settings)
        self.error: Exception | None = None

    @property
    def settings(self) -> ConnectorSettings:
        if self.error:
            raise self.error
        return self._settings

    def get_conn(self) -> Any:
        return boto3.client(
            "kinesis", region_name="eu-central-1", endpoint_url=self._settings.endpoint_url,
            aws_access_key_id="AKIAACME", aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip

    def put_records_client(self, connections: int) -> Any:
        raise AssertionError("preflight needs no client that puts records")


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.ndjson").write_text("{}\n")
    return folder


@pytest.fixture
def subject(fake_kinesis: FakeKinesis, exports: Path) -> Callable[..., Subject]:
    def subject(**changes: Any) -> Subject:
        whole = Subject(
            conn_id="acme",
            connector=Connector(fake_kinesis.endpoint_url),
            read_definitions=lambda: (HOOK,),
            fetch_hash_keys=lambda hooks: (),
            open_exports=lambda: ExportPlace(LocalFolder(exports)),
            probe_staging=lambda: None,
            probe_state=lambda: None,
        )
        return msgspec.structs.replace(whole, **changes)

    return subject


def found(subject: Subject) -> dict[str, Check]:
    return {f"{check.about}: {check.what}": check for check in preflight(subject)}


def of_stream(kinesis: FakeKinesis, *hooks: HookDefinition, is_aws: bool = False) -> dict[str, Check]:
    client = Connector(kinesis.endpoint_url).get_conn()
    return {check.what: check for check in check_stream(client, ADDRESS, hooks or (HOOK,), is_aws=is_aws)}


def verdicts(checks: dict[str, Check]) -> dict[str, str]:
    return {what: check.verdict.name for what, check in checks.items()}


def test_everything_is_looked_at_and_nothing_is_written(
    subject: Callable[..., Subject], fake_kinesis: FakeKinesis
) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 4)
    checks = found(subject())
    assert verdicts(checks) == {
        "connection 'acme': region": "OK",
        "connection 'acme': who signs": "OK",
        "connection 'acme': keys": "OK",
        "hooks: definitions": "OK",
        f"stream {PURCHASES}: status": "OK",
        f"stream {PURCHASES}: capacity mode": "OK",
        f"stream {PURCHASES}: record limit": "OK",
        f"stream {PURCHASES}: distribution": "OK",
        f"stream {PURCHASES}: encryption": "OK",
        f"stream {PURCHASES}: shards": "OK",
        f"stream {PURCHASES}: right to write": "UNCHECKED",
        "exports: readable": "OK",
        "staging: writable": "OK",
        "state: writable": "OK",
    }
    assert "4 open, so at most 4,000 records/s and 4 MB/s" in checks[f"stream {PURCHASES}: shards"].says
    assert "only AWS itself" in checks[f"stream {PURCHASES}: right to write"].says
    assert fake_kinesis.books.counts(PURCHASES).requests == 0


def test_with_the_right_to_put_records_alone_a_run_is_ready_with_warnings(
    subject: Callable[..., Subject], fake_kinesis: FakeKinesis
) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 4)
    fake_kinesis.faults = PUT_RECORDS_ALONE
    checks = found(subject())
    findings = Findings(tuple(checks.values()))
    assert findings.ready
    assert findings.warnings == 2
    assert "they may not list streams, which sending does not need" in checks["connection 'acme': keys"].says
    assert "kinesis:DescribeStreamSummary is not allowed" in checks[f"stream {PURCHASES}: exists"].says
    assert "kinesis:ListShards is not allowed" in checks[f"stream {PURCHASES}: shards"].says


def test_a_faulty_connection_keeps_nobody_from_checking_the_rest(subject: Callable[..., Subject]) -> None:
    connector = Connector("http://127.0.0.1:9")
    connector.error = ConfigurationError("connection 'acme': extra 'region' is missing")
    checks = found(subject(connector=connector))
    assert verdicts(checks) == {
        "connection 'acme': fields": "FAULT",
        "hooks: definitions": "OK",
        f"stream {PURCHASES}: exists": "UNCHECKED",
        "exports: readable": "OK",
        "staging: writable": "OK",
        "state: writable": "OK",
    }
    assert str(checks["connection 'acme': fields"]).endswith("connection 'acme': fields: extra 'region' is missing")


def test_an_endpoint_that_nobody_answers_is_a_fault_that_may_pass(subject: Callable[..., Subject]) -> None:
    checks = found(subject(connector=Connector("http://127.0.0.1:9")))
    assert checks["connection 'acme': keys"].passing
    assert checks[f"stream {PURCHASES}: exists"].verdict is Verdict.UNCHECKED


def test_keys_that_are_refused_are_a_fault_with_what_to_do(
    subject: Callable[..., Subject], fake_kinesis: FakeKinesis
) -> None:
    fake_kinesis.faults = Faults(expired_keys=frozenset({"AKIAACME"}))
    keys = found(subject())["connection 'acme': keys"]
    assert (keys.verdict, keys.passing) == (Verdict.FAULT, False)
    assert "ExpiredTokenException: the keys have expired: put new ones into the connection" in keys.says


def test_an_inactive_connector_is_a_warning_and_a_role_is_named(
    subject: Callable[..., Subject], fake_kinesis: FakeKinesis
) -> None:
    role = Identity(role_arn="arn:aws:iam::111122223333:role/writer")
    checks = found(subject(connector=Connector(fake_kinesis.endpoint_url, active=False, identity=role)))
    assert checks["connection 'acme': active"].verdict is Verdict.WARNING
    assert "role arn:aws:iam::111122223333:role/writer" in checks["connection 'acme': who signs"].says


def test_each_fault_of_the_definitions_has_a_line(subject: Callable[..., Subject]) -> None:
    def broken() -> tuple[HookDefinition, ...]:
        raise DefinitionError("hooks.yaml", ["hook 'a': stream_name is missing", "hook 'b': unknown key 'colour'"])

    lines = [str(check) for check in preflight(subject(read_definitions=broken)) if check.about == "hooks"]
    assert lines == [
        "fault        hooks: definitions: hooks.yaml: hook 'a': stream_name is missing",
        "fault        hooks: definitions: hooks.yaml: hook 'b': unknown key 'colour'",
    ]


def test_inactive_hooks_are_counted_and_their_streams_left_alone(
    subject: Callable[..., Subject], fake_kinesis: FakeKinesis
) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 1)
    carts = HookDefinition("carts", event_code="n:acp", stream_name=CARTS, active=False)
    checks = found(subject(read_definitions=lambda: (HOOK, carts)))
    assert checks["hooks: definitions"].says == "active 1, inactive 1; streams 1"
    assert not [what for what in checks if CARTS in what]


def test_a_stream_in_another_region_than_the_connections_is_a_fault(subject: Callable[..., Subject]) -> None:
    arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/netmera-purchases"
    elsewhere = HookDefinition("purchases", event_code="n:ph", stream_arn=arn)
    assert "is in region eu-west-1" in found(subject(read_definitions=lambda: (elsewhere,)))["hooks: region"].says


def test_keys_of_hashes_that_are_not_there_are_a_fault(subject: Callable[..., Subject]) -> None:
    def missing(_: Any) -> tuple[()]:
        raise ConfigurationError("connection 'acme_hash_key' does not exist")

    assert found(subject(fetch_hash_keys=missing))["hooks: hash keys"].verdict is Verdict.FAULT
    assert found(subject(fetch_hash_keys=lambda _: "k"))["hooks: hash keys"].says.startswith("1 found")


def test_a_stream_that_does_not_exist_is_a_fault_that_names_its_hooks(fake_kinesis: FakeKinesis) -> None:
    refunds = msgspec.structs.replace(HOOK, name="refunds")
    (check,) = of_stream(fake_kinesis, HOOK, refunds).values()
    assert check.what == "exists (for hook purchases, refunds)"
    assert "ResourceNotFoundException" in check.says
    assert "Check the stream's name in the hook definitions" in check.says
    assert (check.verdict, check.passing) == (Verdict.FAULT, False)


def test_a_stream_that_is_being_created_is_a_fault_that_passes(fake_kinesis: FakeKinesis) -> None:
    core = FakeKinesisCore(creating_seconds=3_600)
    core.create_stream(PURCHASES, 1)
    with FakeKinesis(core=core) as kinesis:
        checks = of_stream(kinesis)
    assert checks["status"].says == "CREATING: wait until it is ACTIVE, or name another stream"
    assert checks["status"].passing
    assert checks["shards"].passing


def test_a_stream_with_limits_of_its_own_is_described(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 2, on_demand=True, max_record_kib=10_240, kms_key="alias/acme")
    checks = of_stream(fake_kinesis)
    assert checks["capacity mode"].says == "on demand"
    assert checks["record limit"].says == "10240 KiB, partition key included"
    assert checks["distribution"].says.startswith("USER_PARTITION_KEY")
    assert "whoever writes needs kms:GenerateDataKey" in checks["encryption"].says


def test_the_key_that_kinesis_itself_owns_needs_no_right(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 1, kms_key="alias/aws/kinesis")
    assert of_stream(fake_kinesis)["encryption"].says == "KMS, alias/aws/kinesis, which needs no right"


def test_a_stream_that_ignores_keys_is_a_fault_for_a_hook_that_wants_order(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 1, ignores_keys=True)
    distribution = of_stream(fake_kinesis)["distribution"]
    assert distribution.verdict is Verdict.FAULT
    assert distribution.says.startswith("its RecordDistributionStrategy is AUTO")

    unordered = msgspec.structs.replace(HOOK, allow_unordered=True)
    assert of_stream(fake_kinesis, unordered)["distribution"].verdict is Verdict.WARNING


def test_a_distribution_that_nobody_tells_is_a_warning_on_demand_only() -> None:
    class Endpoint:
        def describe_stream_summary(self, **_: str) -> dict[str, Any]:
            return {"StreamDescriptionSummary": {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}}

        def list_shards(self, **_: Any) -> dict[str, Any]:
            return {"Shards": []}

    checks = {check.what: check for check in check_stream(Endpoint(), ADDRESS, (HOOK,), is_aws=False)}
    assert checks["distribution"].verdict is Verdict.WARNING
    assert "Use a newer boto3" in checks["distribution"].says


def test_a_dry_run_shows_the_right_to_write_and_writes_nothing(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 1)
    assert of_stream(fake_kinesis, is_aws=True)["right to write"].says.startswith("kinesis:PutRecords is allowed")
    assert fake_kinesis.books.counts(PURCHASES).stored == 0

    fake_kinesis.faults = Faults(denied=frozenset({"PutRecords"}))
    denied = of_stream(fake_kinesis, is_aws=True)["right to write"]
    assert (denied.verdict, denied.passing) == (Verdict.FAULT, False)
    assert "PutRecords was refused with AccessDenied" in denied.says

    fake_kinesis.faults = Faults()
    fake_kinesis.core.inject(Misfortune.KMS_DENIED)
    assert "kms:GenerateDataKey" in of_stream(fake_kinesis, is_aws=True)["right to write"].says


def test_a_dry_run_that_is_not_honoured_is_a_fault() -> None:
    class Careless:
        """A stand-in that stores whatever comes."""

        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def put_records(self, **_: Any) -> dict[str, Any]:
            return {"Records": [{"SequenceNumber": "1", "ShardId": "shardId-000000000000"}]}

    with FakeKinesis({PURCHASES: 1}) as kinesis:
        careless = Careless(Connector(kinesis.endpoint_url).get_conn())
        (right,) = [c for c in check_stream(careless, ADDRESS, (HOOK,), is_aws=True) if c.what == "right to write"]
    assert "stored a record in spite of DryRun" in right.says


def test_a_boto3_without_dry_run_is_not_asked_for_it(
    fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 1)
    monkeypatch.setattr("airflow_netmera_kinesis.preflight.stream_checks.knows_dry_run", lambda client: False)
    assert "this boto3 does not know DryRun" in of_stream(fake_kinesis, is_aws=True)["right to write"].says


def test_exports_that_cannot_be_opened_listed_or_read_are_faults(
    subject: Callable[..., Subject], exports: Path
) -> None:
    def nowhere() -> ExportPlace:
        raise ConfigurationError("exports is '/nowhere': this worker finds neither a folder nor a file there")

    assert found(subject(open_exports=nowhere))["exports: readable"].verdict is Verdict.FAULT

    class Locked(LocalFolder):
        def open(self, name: str, block_bytes: int = 0) -> Any:
            raise PermissionError(13, "Permission denied")

    locked = found(subject(open_exports=lambda: ExportPlace(Locked(exports))))["exports: readable"]
    assert (locked.says, locked.passing) == ("[Errno 13] Permission denied", False)

    def strange() -> ExportPlace:
        raise LookupError("no credentials for that bucket")

    says = found(subject(open_exports=strange, read_definitions=strange))
    assert says["exports: readable"].says == "LookupError: no credentials for that bucket"
    assert says["hooks: definitions"].verdict is Verdict.FAULT

    (exports / "a.ndjson").unlink()
    assert found(subject())["exports: readable"].verdict is Verdict.WARNING


def test_folders_that_are_not_set_are_said_and_those_that_take_nothing_are_faults(
    subject: Callable[..., Subject],
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    def read_only() -> None:
        raise ConfigurationError("state is '/state': it cannot be written (Read-only file system)")

    checks = found(subject(probe_staging=full, probe_state=read_only))
    assert (checks["staging: writable"].verdict, checks["staging: writable"].passing) == (Verdict.FAULT, True)
    assert (checks["state: writable"].verdict, checks["state: writable"].passing) == (Verdict.FAULT, False)
    assert found(subject(probe_state=None))["state: writable"].verdict is Verdict.UNCHECKED


def findings(*checks: Check) -> Findings:
    return Findings(checks)


def test_the_verdict_counts_and_says_what_to_do_next() -> None:
    good, odd = ok("a", "b", "c"), warning("a", "b", "c")
    bad, busy = fault("stream x", "exists", "it does not"), fault("stream y", "status", "CREATING", passing=True)
    assert str(findings(good, good)) == "ready: 2 checks"
    assert str(findings(good, odd)) == "ready: 2 checks, 1 warning"
    assert str(findings(bad, busy, odd, odd)) == "NOT ready: 2 faults, 2 warnings"
    assert str(findings(good, busy)) == "NOT ready: 1 fault: all of them may pass by themselves"
    findings(good, odd).require_ready()
    with pytest.raises(NotReady, match=r"NOT ready: 2 faults:\n  fault .* stream x: exists: it does not\n  fault"):
        findings(bad, busy).require_ready()
    with pytest.raises(NotReadyYet):
        findings(good, busy).require_ready()
