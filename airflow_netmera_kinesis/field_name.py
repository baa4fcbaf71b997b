"""Name the fields of a canonical record, and the aliases under which exports carry them (Netmera's names, and ours)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
