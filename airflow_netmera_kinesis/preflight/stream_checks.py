"""Check one stream: is it there and ACTIVE, what does it take, whose order does it keep, may it be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_netmera_kinesis.delivery.auto_distribution import check_allowed
from airflow_netmera_kinesis.delivery.dry_run import dry_run, knows_dry_run
from airflow_netmera_kinesis.delivery.stream_description import StreamDescription, describe_stream, list_shards
from airflow_netmera_kinesis.errors import ConfigurationError, StreamRefused, StreamUnreachable
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.preflight.check import Check, attempt, fault, faults_of, ok, plain, unchecked, warning

WRITABLE = ("ACTIVE", "UPDATING")
# Kinesis' own key costs no right of the writer's: https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
AWS_OWN_KEY = "alias/aws/kinesis"


def check_stream(
    client: Any, address: Mapping[str, str], hooks: Sequence[HookDefinition], *, is_aws: bool
) -> Iterator[Check]:
    """Check the stream that ``hooks``, all active, feed. ``is_aws`` says whether DryRun may be tried there."""
    stream = hooks[0].stream
    about = f"stream {stream}"
    try:
        description = describe_stream(client, stream, address)
    except (StreamRefused, StreamUnreachable) as error:
        named = ", ".join(hook.name for hook in hooks)
        yield from faults_of(about, f"exists (for hook {named})", error)
        return
    if description.described:
        yield from _described(about, description, hooks)
    else:
        yield warning(
            about, "exists",
            "nobody can tell, as kinesis:DescribeStreamSummary is not allowed on a stream of this name: its status, "
            "capacity mode, record limit, distribution strategy and encryption are unknown. Records of at most "
            f"{description.max_record_bytes // 1024} KiB are sent, and a stream that ignores partition keys is not "
            "noticed. Grant it, and check the name",
        )  # fmt: skip
    yield from _shards(client, about, stream, address)
    yield from _right_to_write(client, about, stream, address, is_aws)


def _described(about: str, found: StreamDescription, hooks: Sequence[HookDefinition]) -> Iterator[Check]:
    if found.status in WRITABLE or not found.status:
        yield ok(about, "status", found.status or "it exists")
    else:
        says = f"{found.status}: wait until it is ACTIVE, or name another stream"
        yield fault(about, "status", says, passing=found.status == "CREATING")
    yield ok(about, "capacity mode", "on demand" if found.on_demand else "provisioned")
    yield ok(about, "record limit", f"{found.max_record_bytes // 1024} KiB, partition key included")
    yield _distribution(about, found, hooks)
    yield _encryption(about, found)


def _distribution(about: str, found: StreamDescription, hooks: Sequence[HookDefinition]) -> Check:
    what = "distribution"
    if found.ignores_keys:
        try:
            check_allowed(hooks[0].stream, hooks)
        except ConfigurationError as refused:
            return fault(about, what, plain(about, refused))
        return warning(about, what, "AUTO: no user's order is kept, and all its hooks say allow_unordered")
    if found.distribution:
        return ok(about, what, f"{found.distribution}: each user's records go to one shard")
    if not found.on_demand:
        return ok(about, what, "by partition key, as in every provisioned stream")
    return warning(
        about, what,
        "neither this boto3 nor the endpoint says how records are distributed: were it AUTO, order would be lost "
        "without notice. Use a newer boto3",
    )  # fmt: skip


def _encryption(about: str, found: StreamDescription) -> Check:
    if not found.kms_key:
        return ok(about, "encryption", "none at rest")
    if found.kms_key == AWS_OWN_KEY:
        return ok(about, "encryption", f"KMS, {found.kms_key}, which needs no right")
    return ok(about, "encryption", f"KMS, {found.kms_key}: whoever writes needs kms:GenerateDataKey on it")


def _shards(client: Any, about: str, stream: str, address: Mapping[str, str]) -> Iterator[Check]:
    try:
        shards = list_shards(client, stream, address)
    except (StreamRefused, StreamUnreachable) as error:
        yield from faults_of(about, "shards", error)
        return
    if shards:
        count = len(shards.shards)
        yield ok(about, "shards", f"{count} open, so at most {count * 1000:,} records/s and {count} MB/s")
    else:
        yield warning(
            about, "shards",
            "kinesis:ListShards is not allowed, so they are learnt from the answers: a throttled stream is used a "
            "little less evenly. Grant it",
        )  # fmt: skip


def _right_to_write(client: Any, about: str, stream: str, address: Mapping[str, str], is_aws: bool) -> Iterator[Check]:
    what = "right to write"
    if not is_aws:
        yield unchecked(about, what, "extra 'endpoint_url' is set, and only AWS itself is known not to store a DryRun")
    elif not knows_dry_run(client):
        yield unchecked(about, what, "this boto3 does not know DryRun: 1.43.87 does")
    else:

        def may_write() -> Check:
            dry_run(client, stream, address)
            return ok(about, what, "kinesis:PutRecords is allowed (DryRun; nothing was written)")

        yield from attempt(about, what, may_write)
