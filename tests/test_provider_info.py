from __future__ import annotations

import json
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from airflow_netmera_kinesis.connector import EXTRAS
from airflow_netmera_kinesis.dag_param import DagParam
from airflow_netmera_kinesis.provider_info import CONFIGURED, CONNECTION_TYPE, get_provider_info


def airflow_schema(name: str) -> dict[str, Any]:
    spec = find_spec("airflow")
    assert spec is not None
    assert spec.origin is not None
    schema: dict[str, Any] = json.loads((Path(spec.origin).parent / name).read_text(encoding="utf-8"))
    return schema


def nothing_else(schema: Any) -> Any:
    """Forbid every property that the schema does not list: a misspelt key is ignored in silence by Airflow."""
    if isinstance(schema, list):
        return [nothing_else(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: nothing_else(part) for key, part in schema.items()}
    if strict.get("type") == "object" and "properties" in strict:
        strict["additionalProperties"] = False
    return strict


def test_provider_info_is_what_airflow_itself_accepts() -> None:
    jsonschema.validate(get_provider_info(), airflow_schema("provider_info.schema.json"))


def test_provider_info_is_what_airflow_demands_of_its_own_providers() -> None:
    if "conn-fields" not in json.dumps(airflow_schema("provider.yaml.schema.json")):
        pytest.skip("the connection form of this Airflow is not read from the provider info")
    jsonschema.validate(get_provider_info(), airflow_schema("provider.yaml.schema.json"))


def test_provider_info_has_no_key_that_airflow_does_not_know() -> None:
    if "conn-fields" not in json.dumps(airflow_schema("provider.yaml.schema.json")):
        pytest.skip("the connection form of this Airflow is not read from the provider info")
    strict = nothing_else(airflow_schema("provider.yaml.schema.json"))
    jsonschema.validate(get_provider_info(), strict)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**get_provider_info(), "connection_types": []}, strict)


def test_the_package_name_is_the_one_that_was_installed() -> None:
    (entry,) = [e for e in entry_points(group="apache_airflow_provider") if e.value.startswith("airflow_netmera")]
    assert entry.dist is not None
    assert entry.dist.name == get_provider_info()["package-name"] == "airflow-netmera-kinesis"
    assert entry.load()() == get_provider_info()


def test_the_form_has_ten_fields_and_a_sentence_of_help_for_each() -> None:
    form, fields = CONNECTION_TYPE["ui-field-behaviour"], CONNECTION_TYPE["conn-fields"]
    labels = [*form["relabeling"].values(), *(field["label"] for field in fields.values())]
    assert labels == [
        "API key (access key ID)", "Secret key", "Region", "Active", "Endpoint URL", "Credentials", "Role to assume",
        "External ID", "Session token", "STS endpoint URL",
    ]  # fmt: skip
    assert all(len(form["placeholders"][name].split()) > 5 for name in ("login", "password"))
    assert all(len(field["description"].split()) > 5 for field in fields.values())


def test_the_form_offers_every_extra_that_is_allowed_and_hides_the_secret_one() -> None:
    fields = CONNECTION_TYPE["conn-fields"]
    assert set(fields) == set(EXTRAS)
    assert [name for name in fields if fields[name]["schema"].get("format") == "password"] == ["session_token"]


def test_every_named_module_and_class_is_there() -> None:
    info = get_provider_info()
    for group in ("operators", "hooks"):
        for entry in info[group]:
            assert [name for name in entry["python-modules"] if find_spec(name) is None] == []
    for connection_type in info["connection-types"]:
        module, _, name = connection_type["hook-class-name"].rpartition(".")
        assert hasattr(__import__(module, fromlist=[name]), name)


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")  # its successor is not there in Airflow 2
def test_airflow_finds_the_connection_type_its_form_and_its_help() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()  # type: ignore[no-untyped-call]
    hook = manager.hooks["netmera_kinesis"]
    assert hook is not None
    assert (hook.hook_name, hook.connection_id_attribute_name) == ("Netmera Kinesis", "netmera_kinesis_conn_id")
    assert manager.field_behaviours["netmera_kinesis"]["relabeling"]["password"] == "Secret key"
    widgets = {key for key in manager.connection_form_widgets if key.startswith("extra__netmera_kinesis__")}
    assert {name.removeprefix("extra__netmera_kinesis__") for name in widgets} == set(EXTRAS)


@pytest.mark.parametrize(
    "param", [param for param in CONFIGURED if param.default is not None], ids=lambda param: param.name
)
def test_airflow_reads_the_default_of_every_option_as_it_was_meant(param: DagParam) -> None:
    from airflow.configuration import conf

    with conf.make_sure_configuration_loaded(with_providers=True):
        assert conf.get("netmera_kinesis", param.name) == str(param.default)
