"""The operator's environment: aliases, the files of a directory, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackd.engine.definition.desired import build, load_source
from stackd.resources.operator_environment import (
    ALIASES,
    OperatorEnvironmentError,
    aliases,
    load_operator_environment,
)
from stackd.resources.registry import Registry, load_registry
from stackd.template.parameters import StackIdentity

TYPES = load_registry().types
TEMPLATE = """
heat_template_version: 2021-04-16
parameters: {name: {type: string, default: x}}
resources:
  inner: {type: OS::Heat::Value, properties: {value: {get_param: name}}}
"""


def write(directory: Path, **files: str) -> Path:
    """A directory with environments; ``HERE`` in them is the URL of the directory above."""
    environments = directory / "environment.d"
    environments.mkdir(exist_ok=True)
    for name, text in files.items():
        (environments / f"{name}.yaml").write_text(text.replace("HERE", directory.as_uri()))
    return environments


def kinds(registry: Registry, kind: str, environment: Any = None) -> str:
    """What a type stands for in a stack."""
    template = {"heat_template_version": "2021-04-16", "resources": {"r": {"type": kind}}}
    return build(load_source(template, environment, {}), StackIdentity(), registry).types["r"].name


def refusal(directory: Path) -> str:
    with pytest.raises(OperatorEnvironmentError) as caught:
        load_operator_environment(TYPES, directory)
    return caught.value.message


def test_aliases_lead_only_to_types_that_exist() -> None:
    assert aliases(()) == {}
    assert aliases(("OS::Aodh::Alarm", "OS::Neutron::Net")) == {
        "OS::Quantum*": "OS::Neutron*",
        "OS::Metering::Alarm": "OS::Aodh::Alarm",
        "OS::Ceilometer::Alarm": "OS::Aodh::Alarm",
    }
    everything = {target.replace("*", "::X") for target in ALIASES.values()}
    assert aliases(everything) == ALIASES


def test_aliases_are_always_there() -> None:
    registry = load_registry()
    assert kinds(registry, "OS::Quantum::Net") == "OS::Neutron::Net"


def test_user_comes_before_the_operator() -> None:
    environment = {"resource_registry": {"OS::Quantum::Net": "OS::Heat::None"}}
    assert kinds(load_registry(), "OS::Quantum::Net", environment) == "OS::Heat::None"


def test_files_are_merged_in_the_order_of_their_names(tmp_path: Path) -> None:
    directory = write(
        tmp_path,
        a="parameter_defaults: {x: 1, y: 1}\nresource_registry: {A: B, resources: {one: {T: U}}}",
        b="parameter_defaults: {y: 2}\nresource_registry: {A: C, resources: {two: {T: U}}}",
        c="",
    )
    (directory / ".hidden").write_text("not: [an environment")
    (directory / "folder").mkdir()
    loaded = load_operator_environment((), directory).environment
    assert loaded.parameter_defaults == {"x": 1, "y": 2}
    assert loaded.resource_registry == {"A": "C", "resources": {"one": {"T": "U"}, "two": {"T": "U"}}}


def test_local_templates_are_read_with_those_that_they_name(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(TEMPLATE)
    outer = "heat_template_version: 2021-04-16\nresources: {r: {type: 'HERE/inner.yaml'}}"
    (tmp_path / "outer.yaml").write_text(outer.replace("HERE", tmp_path.as_uri()))
    directory = write(tmp_path, a="resource_registry: {My::Type: HERE/outer.yaml}")
    loaded = load_operator_environment((), directory)
    assert sorted(loaded.files) == [f"{tmp_path.as_uri()}/{name}.yaml" for name in ("inner", "outer")]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("resource_registry:\n  A: [\n", ":3:1: ", ""),
        (
            "parameters: {}\nunknown: {}",
            ":2:",
            'environment has wrong section "unknown". Use only ',
        ),
        ("resource_registry:\n  A: HERE/none.yaml", ":2:6: ", "there is no file HEREPATH/none.yaml"),
        ("\nresource_registry: {A: plain.yaml}", ":2:24: ", "plain.yaml is not the URL of a template"),
        ("resource_registry: {A: 'ftp://h/x.yaml'}", ":1:25: ", "is not the URL of a template"),
    ],
)
def test_mistake_names_file_and_line(tmp_path: Path, text: str, place: str, said: str) -> None:
    message = refusal(write(tmp_path, bad=text))
    assert message.startswith(f"{tmp_path}/environment.d/bad.yaml{place}")
    assert said.replace("HEREPATH", str(tmp_path)) in message


def test_mistake_in_a_template_names_the_template(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("heat_template_version: 2021-04-16\nresources: [\n")
    message = refusal(write(tmp_path, a="resource_registry: {A: HERE/t.yaml}"))
    assert message.startswith(f"{tmp_path}/t.yaml:")


def test_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"{tmp_path}/none: cannot be read: No such file or directory."


def test_environment_that_is_no_text_is_named(tmp_path: Path) -> None:
    (write(tmp_path) / "x").write_bytes(b"\xff")
    assert refusal(tmp_path / "environment.d").endswith("x: cannot be read: it is not text in UTF-8.")
