"""Tell Airflow what this provider brings: plain data, read at the start of every Airflow process."""

from __future__ import annotations

from typing import Any

from airflow_netmera_kinesis import __version__
from airflow_netmera_kinesis.dag_param import PARAMS, DagParam
from airflow_netmera_kinesis.message_log_param import OWN_PARAMS as MESSAGE_LOG_PARAMS
from airflow_netmera_kinesis.rest_connection_form import REST_CONNECTION_TYPE

# The 3.3 form reads these two keys, in kebab case, and asks no hook class.
CONNECTION_TYPE: dict[str, Any] = {
    "connection-type": "netmera_kinesis",
    "hook-class-name": "airflow_netmera_kinesis.connection.NetmeraKinesisConnection",
    "hook-name": "Netmera Kinesis",
    "ui-field-behaviour": {
        "hidden-fields": ["host", "schema", "port"],
        "relabeling": {"login": "API key (access key ID)", "password": "Secret key"},
        # A standard field has no description: its placeholder is the only place for a sentence.
        "placeholders": {
            "login": "The AWS access key ID of the IAM user that may call kinesis:PutRecords",
            "password": "The AWS secret access key that belongs to the API key",
            "region": "eu-central-1",
            "endpoint_url": "https://vpce-….kinesis.eu-central-1.vpce.amazonaws.com",
            "role_arn": "arn:aws:iam::111122223333:role/netmera-writer",
            "sts_endpoint_url": "https://vpce-….sts.eu-central-1.vpce.amazonaws.com",
        },
    },
    "conn-fields": {
        "region": {
            "label": "Region",
            "description": "The AWS region of the streams, such as eu-central-1.",
            "schema": {"type": "string", "minLength": 1},
        },
        "active": {
            "label": "Active",
            "description": "Switched off, no hook sends anything: the tasks are skipped and the checkpoint stays.",
            "schema": {"type": "boolean", "default": True},
        },
        "endpoint_url": {
            "label": "Endpoint URL",
            "description": "Another Kinesis than the region's, such as a VPC endpoint or a stand-in. Usually empty.",
            "schema": {"type": ["string", "null"], "format": "url"},
        },
        "credentials": {
            "label": "Credentials",
            "description": "keys: API key and secret key, as above. environment: the worker's own AWS identity.",
            "schema": {"type": ["string", "null"], "enum": ["keys", "environment"], "default": "keys"},
        },
        "role_arn": {
            "label": "Role to assume",
            "description": "The ARN of an IAM role that whoever signs assumes before anything is sent. Usually empty.",
            "schema": {"type": ["string", "null"]},
        },
        "external_id": {
            "label": "External ID",
            "description": "What the role's trust policy asks for beside its ARN, if it does.",
            "schema": {"type": ["string", "null"]},
        },
        "session_token": {
            "label": "Session token",
            "description": "The third part of temporary keys; they end when it expires, so new ones must be put here.",
            "schema": {"type": ["string", "null"], "format": "password"},
        },
        "sts_endpoint_url": {
            "label": "STS endpoint URL",
            "description": "Another STS than the region's to assume the role, such as a VPC endpoint. Usually empty.",
            "schema": {"type": ["string", "null"], "format": "url"},
        },
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider info; ``provider.yaml.schema.json`` of Airflow is its strict form."""
    return {
        "package-name": "airflow-netmera-kinesis",
        "name": "Netmera Kinesis",
        "description": "Sends exported Netmera events to Amazon Kinesis Data Streams, each user's events in order.",
        "state": "ready",
        "source-date-epoch": 1790000000,
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "Netmera Kinesis",
                "external-doc-url": "https://user.netmera.com/netmera-developer-guide/integrations/data-stream/aws-kinesis",
                "tags": ["service"],
            }
        ],
        "operators": [{"integration-name": "Netmera Kinesis", "python-modules": OPERATOR_MODULES}],
        "hooks": [{"integration-name": "Netmera Kinesis", "python-modules": HOOK_MODULES}],
        "extra-links": EXTRA_LINKS,
        "connection-types": [CONNECTION_TYPE, REST_CONNECTION_TYPE],
        "config": {
            "netmera_kinesis": {
                "description": "Defaults of the DAGs that send Netmera events to Kinesis; each is a param too.",
                "options": {param.name: option(param) for param in CONFIGURED if param.configurable},
            }
        },
    }


CONFIGURED = (*PARAMS, *MESSAGE_LOG_PARAMS)
HOOK_MODULES = ["airflow_netmera_kinesis.connection", "airflow_netmera_kinesis.rest_connection"]
OPERATOR_MODULES = [
    "airflow_netmera_kinesis.operators.hook_matcher",
    "airflow_netmera_kinesis.operators.kinesis_hook_sender",
    "airflow_netmera_kinesis.operators.preflight",
    "airflow_netmera_kinesis.operators.push_results",
    "airflow_netmera_kinesis.operators.replay",
    "airflow_netmera_kinesis.operators.resend",
    "airflow_netmera_kinesis.operators.slice",
]


EXTRA_LINKS = [
    "airflow_netmera_kinesis.operators.links.KinesisStreamLink",
    "airflow_netmera_kinesis.operators.links.DeadLettersLink",
]


def option(param: DagParam) -> dict[str, Any]:
    """Describe a param as an option of airflow.cfg, where every default is text."""
    kind = param.schema.get("type")
    default = param.default
    return {
        "description": param.description,
        "version_added": "0.1.0",
        "type": kind if kind in ("integer", "boolean") else "string",
        "example": param.example,
        # A percent sign starts an interpolation there: a single one ends every airflow command.
        "default": default if default is None else str(default).replace("%", "%%"),
    }
