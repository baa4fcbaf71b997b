"""Hold what AWS' reference fixes for each action's fields.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from airflow_netmera_kinesis.testing import request as kinesis
from airflow_netmera_kinesis.testing.constraint import Constraint

MAX_REQUEST_RECORDS = 500
MAX_REQUEST_BYTES = 10 * 1024 * 1024
MAX_KEY_CHARACTERS = 256
DEFAULT_MAX_RECORD_KIB = 1024
HASH_KEYS = 2**128

_HASH_KEY = r"0|([1-9]\d{0,38})"
_NAME = "[a-zA-Z0-9_.-]+"
_MODES = ("PROVISIONED", "ON_DEMAND")
_STRATEGIES = ("AUTO", "USER_PARTITION_KEY")
_ITERATORS = ("AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")
_SHARD_ID = Constraint(required=True, length=(1, 128), pattern=_NAME)
_LIMIT = Constraint(value=(1, 10_000))
_RECORD_KIB = (1024, 10_240)

STREAM_RULES = {
    "stream_name": Constraint(length=(1, 128), pattern=_NAME),
    "stream_arn": Constraint(length=(1, 2048), pattern=r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+"),
}
# an AUTO stream takes records without a key
ENTRY_RULES = {
    "data": Constraint(required=True),
    "partition_key": Constraint(length=(1, MAX_KEY_CHARACTERS)),
    "explicit_hash_key": Constraint(pattern=_HASH_KEY),
}
KEYED_ENTRY_RULES = {**ENTRY_RULES, "partition_key": Constraint(required=True, length=(1, MAX_KEY_CHARACTERS))}

RULES: dict[type[kinesis.Request], dict[str, Constraint]] = {
    kinesis.PutRecords: {"records": Constraint(required=True, length=(1, MAX_REQUEST_RECORDS))},
    kinesis.CreateStream: {
        "stream_name": Constraint(required=True),
        "shard_count": Constraint(value=(1, 100_000)),
        "stream_mode_details.stream_mode": Constraint(required=True, choices=_MODES),
        "max_record_size_in_kib": Constraint(value=_RECORD_KIB),
        "record_distribution_strategy": Constraint(choices=_STRATEGIES),
    },
    kinesis.DescribeStream: {"limit": _LIMIT},
    kinesis.ListStreams: {"limit": _LIMIT},
    kinesis.ListShards: {"max_results": _LIMIT},
    kinesis.GetShardIterator: {
        "shard_id": _SHARD_ID,
        "shard_iterator_type": Constraint(required=True, choices=_ITERATORS),
        "starting_sequence_number": Constraint(pattern=r"0|([1-9]\d{0,128})"),
    },
    kinesis.GetRecords: {"shard_iterator": Constraint(required=True, length=(1, 512)), "limit": _LIMIT},
    kinesis.UpdateShardCount: {
        "target_shard_count": Constraint(required=True, value=(1, 100_000)),
        "scaling_type": Constraint(required=True, choices=("UNIFORM_SCALING",)),
    },
    kinesis.SplitShard: {
        "shard_to_split": _SHARD_ID,
        "new_starting_hash_key": Constraint(required=True, pattern=_HASH_KEY),
    },
    kinesis.MergeShards: {"shard_to_merge": _SHARD_ID, "adjacent_shard_to_merge": _SHARD_ID},
    kinesis.UpdateMaxRecordSize: {"max_record_size_in_kib": Constraint(required=True, value=_RECORD_KIB)},
    kinesis.UpdateStreamMode: {"stream_mode_details.stream_mode": Constraint(required=True, choices=_MODES)},
    kinesis.UpdateStreamRecordDistributionStrategy: {
        "record_distribution_strategy": Constraint(required=True, choices=_STRATEGIES),
    },
}
