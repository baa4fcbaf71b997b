"""Start the fake Kinesis in a process of its own: what it costs is not what the sender costs."""

from __future__ import annotations

from typing import Any

from airflow_netmera_kinesis.testing import FakeKinesisProcess

STREAM = "bench"
REGION = "eu-central-1"
SHARDS = 100


def sink(*options: str, shards: int = SHARDS) -> FakeKinesisProcess:
    """A stream that keeps counts only; without ``--quota`` among the options its shards take anything."""
    return FakeKinesisProcess(f"--stream={STREAM}={shards}", f"--region={REGION}", "--counts-only", *options)


def client(endpoint_url: str, **config: Any) -> Any:
    """Make a boto3 client for it."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "kinesis",
        region_name=REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id="AKIABENCH",
        aws_secret_access_key="any",
        config=Config(**config),
    )
