"""Name the fields of a canonical record, and decide which of the aliases that an export carries is the field."""

from __future__ import annotations

from collections.abc import Container, Mapping
from types import MappingProxyType

from msgspec import Raw

from airflow_netmera_kinesis.netmera.missing_value import is_missing_json

# One value each.
VALUE_FIELDS = ("recordType", "id", "appKey", "eventCode", "eventName", "timestamp", "userId", "revenue")
# Who the user is, beside userId: at the top level or inside ``identities``, in the order of the output.
IDENTITY_FIELDS = ("extId", "email", "msisdn", "installationId", "deviceId", "sessionId")
# A JSON object each.
OBJECT_FIELDS = ("params", "profile", "identities", "device")

# Each alias's field. Where several names of one field are present, the first of this order that has a value wins.
FIELD_OF: Mapping[str, str] = MappingProxyType(
    {
        alias: field
        for field, aliases in {
            "recordType": ("recordType",),
            "id": ("id",),
            "appKey": ("appKey",),
            "eventCode": ("eventCode", "code", "Event Code"),
            "eventName": ("eventName", "name", "event", "Event", "Event Name"),
            "timestamp": ("timestamp", "timeStamp", "ts", "Timestamp", "Date"),
            "userId": ("userId", "uid", "User ID"),
            "revenue": ("revenue",),
            "params": ("params", "parameters", "eventData", "prms"),
            "profile": ("profile", "userAttributes"),
            "identities": ("identities",),
            "device": ("device",),
            "extId": ("extId", "externalId", "extID", "xid", "External ID"),
            "email": ("email",),
            "msisdn": ("msisdn",),
            "installationId": ("installationId", "iid"),
            "deviceId": ("deviceId", "did"),
            "sessionId": ("sessionId", "sid"),
        }.items()
        for alias in aliases
    }
)
ALIAS_RANK: Mapping[str, int] = MappingProxyType({alias: rank for rank, alias in enumerate(FIELD_OF)})

# Headings of a Data Export's columns that are no aliases in JSON, where they would be a parameter's own name.
FIELD_OF_HEADING: Mapping[str, str] = MappingProxyType(
    {**FIELD_OF, "Parameters": "params", "Email": "email", "MSISDN": "msisdn", "Revenue": "revenue"}
)


def resolve(row: Mapping[str, Raw], fields: Container[str]) -> tuple[dict[str, Raw], dict[str, Raw]]:
    """Split a JSON object into the fields looked for, by their canonical names, and all the rest, unchanged.

    A second alias of a field that has its value already belongs to the rest: nothing is lost in silence.
    """
    found: dict[str, str] = {}
    rest: dict[str, Raw] = {}
    for alias, value in row.items():
        field = FIELD_OF.get(alias)
        if field is None or field not in fields:
            rest[alias] = value
        elif not is_missing_json(value):
            winner = found.get(field)
            if winner is None:
                found[field] = alias
            elif ALIAS_RANK[alias] < ALIAS_RANK[winner]:
                found[field], rest[winner] = alias, row[winner]
            else:
                rest[alias] = value
    return {field: row[alias] for field, alias in found.items()}, rest
