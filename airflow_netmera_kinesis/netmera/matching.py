"""Decide which hooks an event fires: a pure function of the event and the definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_netmera_kinesis.netmera.event import Event, MessageLog
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, TriggerType

_NONE: tuple[int, ...] = ()


class Matcher:
    """The active hooks of a slice by what sets them off, exactly as it is written.

    A firing hook is named by its index among ``hooks``. ``names_to_codes`` gives a code to an event that has a name
    only.
    """

    def __init__(self, hooks: Sequence[HookDefinition], names_to_codes: Mapping[str, str]) -> None:
        self._names_to_codes = names_to_codes
        self._by_code: dict[str, tuple[int, ...]] = {}
        self._by_name: dict[str, tuple[int, ...]] = {}
        self._message_logs_by_code: dict[str, tuple[int, ...]] = {}
        self._any_message_log: tuple[int, ...] = _NONE
        for index, hook in enumerate(hooks):
            if hook.active:
                self._add(index, hook)

    @property
    def codes(self) -> frozenset[str]:
        """The event codes that fire a hook."""
        return frozenset(self._by_code)

    @property
    def names(self) -> frozenset[str]:
        """The event names that fire a hook, be it through their code."""
        coded = (name for name, code in self._names_to_codes.items() if code in self._by_code)
        return frozenset([*self._by_name, *coded])

    def code_of(self, event: Event | MessageLog) -> str | None:
        if event.event_code is None and event.event_name is not None:
            return self._names_to_codes.get(event.event_name)
        return event.event_code

    def firings(self, event: Event | MessageLog) -> Sequence[int]:
        """Return the hooks that the event fires, in the order of their definition."""
        code = self.code_of(event)
        if isinstance(event, MessageLog):
            by_code = self._message_logs_by_code.get(code, _NONE) if code is not None else _NONE
            return _in_order(by_code, self._any_message_log)
        by_code = self._by_code.get(code, _NONE) if code is not None else _NONE
        if not self._by_name or event.event_name is None:
            return by_code
        return _in_order(by_code, self._by_name.get(event.event_name, _NONE))

    def _add(self, index: int, hook: HookDefinition) -> None:
        if hook.trigger_type is TriggerType.MESSAGE_LOG:
            if hook.event_code is None:
                self._any_message_log += (index,)
            else:
                _append(self._message_logs_by_code, hook.event_code, index)
        elif hook.event_code is not None:
            _append(self._by_code, hook.event_code, index)
        elif hook.event_name is not None:
            _append(self._by_name, hook.event_name, index)


def _append(hooks: dict[str, tuple[int, ...]], condition: str, index: int) -> None:
    hooks[condition] = (*hooks.get(condition, _NONE), index)


def _in_order(one: tuple[int, ...], other: tuple[int, ...]) -> Sequence[int]:
    return sorted(one + other) if one and other else one or other
