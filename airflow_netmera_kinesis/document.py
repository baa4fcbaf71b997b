"""Read the YAML or JSON that a person wrote, refusing what YAML would let pass in silence."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

import yaml

from airflow_netmera_kinesis.errors import ConfigurationError


def load_document(data: bytes, source: str) -> object:
    """Return plain lists, dicts and scalars; ``source`` names the document in messages."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{source} is not UTF-8 (byte {error.start})") from None
    try:
        if text.lstrip()[:1] in ("{", "["):
            return _json_or_flow_yaml(text)
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader underneath
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{source} is not readable YAML or JSON{place}: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist, for one
        raise ConfigurationError(f"{source} is not readable YAML or JSON: {error}") from None


def _json_or_flow_yaml(text: str) -> object:
    """JSON proper, whose tabs and escaped emoji YAML would not read; else YAML in its flow style."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader underneath


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.YAMLError(f"the key {key!r} is given twice")
    return dict(pairs)


class _StrictLoader(yaml.SafeLoader):
    """A SafeLoader that refuses a key given twice: YAML itself would keep the last one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} is given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)
