from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.errors import StackdError
from stackd.resources.registry import load_registry
from stackd.rewrite.sameness import read
from stackd.rewrite.upgrade import HOT_VERSIONS, NEWEST, Upgraded, upgrade
from stackd.rewrite.writer import to_yaml
from stackd.template.template import load_template
from tests.template.helpers import DataScope, run
from tests.template.test_vectors import RESULTS

REGISTRY = load_registry()
SCOPE = {"ids": {"r": "id-r"}, "attributes": {"r": {"a": ["x", "y"]}}}
TYPES = {"p": {"type": "string"}, "l": {"type": "comma_delimited_list"}, "j": {"type": "json"}}
GIVEN = {"p": "text", "l": "a,b", "j": {"k": [1, "two"], "0": "zero"}}


def upgraded(body: str, version: str = "2013-05-23", to: str = NEWEST.date) -> Upgraded:
    text = f"heat_template_version: {version}\n{body}"
    return upgrade(text, REGISTRY, next(each for each in HOT_VERSIONS if each.date == to))


def output(value: str, **more: Any) -> str:
    """An output of the newest version that a value has become."""
    done = upgraded(f"parameters: {json.dumps(TYPES)}\noutputs:\n  o:\n    value: {value}\n", **more)
    assert not [note for note in done.notes if note.kind == "remark"]
    return done.text.partition("    value: ")[2].removesuffix("\n")


def remarks(done: Upgraded) -> list[str]:
    return [f"{note.place.line}: {note.message}" for note in done.notes if note.kind == "remark"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{Ref: p}", "{get_param: p}"),
        ('{ "Ref" : "OS::stack_id" }', '{ "get_param" : "OS::stack_id" }'),
        ("{'Fn::Join': ['', [a, {Ref: p}]]}", "{'list_join': ['', [a, {get_param: p}]]}"),
        ("{Fn::Split: [',', 'a,b']}", "{str_split: [',', 'a,b']}"),
        ("{Fn::Base64: {Ref: p}}", "{get_param: p}"),
        ("{Fn::Base64: 'a: b'}", "'a: b'"),
        ("{Fn::ResourceFacade: Metadata}", "{resource_facade: metadata}"),
        (
            "{Fn::Replace: [{$x: {Ref: p}}, 'a $x']}",
            "{str_replace: {template: 'a $x', params: {$x: {get_param: p}}}}",
        ),
        ("{Fn::Select: ['1', {Ref: l}]}", "{get_param: [l, '1']}"),
        ("{Fn::Select: [k, {get_param: j}]}", "{get_param: [j, k]}"),
        ("{Fn::Select: [1, [a, {Ref: p}]]}", "{get_param: p}"),
        ("{Fn::Select: [0, {Fn::Split: ['-', {Ref: p}]}]}", "{str_split: ['-', {get_param: p}, 0]}"),
        ("{Fn::Select: ['1', {Fn::Split: ['-', a-b]}]}", "{str_split: ['-', a-b, 1]}"),
    ],
)
def test_functions_that_are_gone_are_written_in_another_way(old: str, new: str) -> None:
    assert output(old) == new


def test_blocks_keep_their_texts_and_comments() -> None:
    old = """
      # First.
      Fn::Base64:   # Second.
        Fn::Replace:
        - $x: {Ref: p}   # Third.
          $y: "q"
        - |
          #!/bin/sh
            echo $x

          exit"""
    new = """
      # First.
      # Second.
      str_replace:
        template: |
          #!/bin/sh
            echo $x

          exit
        params:
          $x: {get_param: p}   # Third.
          $y: "q\""""
    assert output(old) == new


def test_blocks_stay_blocks_in_lists() -> None:
    old = """
      Fn::Select:
      - 0
      - Fn::Split:
        - ","
        - Fn::Join:
          - ","
          - [a, {Ref: p}]"""
    new = """
      str_split:
        - ","
        - list_join:
          - ","
          - [a, {get_param: p}]
        - 0"""
    assert output(old) == new


def test_no_comment_is_lost() -> None:
    old = """
      # 1
      Fn::Join:   # 2
        # 3
        - ""   # 4
        - - Fn::Select:   # 5
              - 0   # 6
              # 7
              - Ref: l   # 8
          # 9
          - { "Fn::Base64": x }   # 10
          - Fn::Base64:   # 11
              # 12
              |   # 13
              # text
          # 14
    # 15"""
    new = output(old)
    assert sorted(re.findall(r"# (\d+)", new), key=int) == [str(number) for number in range(1, 16)]
    assert "Fn::" not in new
    assert "# text" in new


def test_a_text_follows_its_key_when_the_function_around_it_goes() -> None:
    assert output("\n      Fn::Base64: |\n        a\n         b") == "|\n        a\n         b"


def test_selected_attributes_of_single_objects_become_paths() -> None:
    server = "resources:\n  s: {type: OS::Nova::Server, properties: {flavor: m1}}\n"
    done = upgraded(server + "outputs:\n  o: {value: {Fn::Select: ['0', {get_attr: [s, networks, n]}]}}\n")
    assert "{value: {get_attr: [s, networks, n, 0]}}" in done.text
    assert "null instead of an empty text" in done.notes[-1].message


def test_moved_properties_are_renamed_at_every_depth() -> None:
    body = """\
resources:
  s:
    type: OS::Nova::Server
    properties:
      flavor: m1
      networks:
        - uuid: n   # the network
  g:
    type: OS::Heat::ResourceGroup
    properties:
      resource_def: {type: OS::Neutron::Subnet, properties: {"network_id": n, cidr: 10.0.0.0/24}}
"""
    done = upgraded(body, NEWEST.date)
    assert done.text.partition("\n")[2] == body.replace("uuid", "network").replace("network_id", "network")
    assert [note.place.line for note in done.notes] == [8, 12]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("OS::Heat::SoftwareDeployments", "OS::Heat::SoftwareDeploymentGroup"),
        ("OS::Ceilometer::GnocchiResourcesAlarm", "OS::Aodh::GnocchiResourcesAlarm"),
        ("OS::Metering::Alarm", "OS::Aodh::Alarm"),
    ],
)
def test_renamed_types_get_their_new_name(old: str, new: str) -> None:
    done = upgraded(f'resources: {{a: {{type: "{old}"}}}}\n', NEWEST.date)
    assert f'{{type: "{new}"}}' in done.text


@pytest.mark.parametrize(
    ("body", "remark"),
    [
        (
            "{type: OS::Nova::FloatingIP}",
            "OS::Nova::FloatingIP is out of use: OS::Neutron::FloatingIP does this",
        ),
        (
            "{type: OS::Neutron::Subnet, properties: {network_id: a, network: b}}",
            "the property network_id is called network now, which is given too: keep one",
        ),
        (
            "{type: OS::Neutron::Subnet, properties: {network_id: null}}",
            "the property network_id is called network now. It is null here: leave it out",
        ),
        (
            "{type: OS::Heat::RandomString, properties: {sequence: digits}}",
            "the property sequence is hidden.",
        ),
    ],
)
def test_what_cannot_be_rewritten_is_left_with_a_remark(body: str, remark: str) -> None:
    done = upgraded(f"resources:\n  r: {body}\n", NEWEST.date)
    assert f"r: {body}" in done.text
    assert [each for each in remarks(done) if each.startswith(f"3: {remark}")]


def test_a_function_without_another_way_keeps_the_version() -> None:
    done = upgraded("outputs:\n  o: {value: {Fn::GetAZs: ''}}\n")
    assert done.after == "2013-05-23"
    assert not done.reached
    assert remarks(done) == [
        "3: 2021-04-16 has no Fn::GetAZs any more, and there is no other way to write this; "
        "this keeps the template from 2021-04-16"
    ]


def test_data_that_would_become_a_function_keeps_the_version_before() -> None:
    done = upgraded("outputs:\n  o: {value: {filter: [a]}}\n")
    assert done.after == "2016-10-14"
    assert "value: {filter: [a]}" in done.text
    assert "filter is plain data here, and a function in 2021-04-16" in remarks(done)[0]


def test_paths_into_groups_keep_the_version() -> None:
    group = "{type: OS::Heat::ResourceGroup, properties: {resource_def: {type: OS::Heat::None}}}"
    done = upgraded(f"resources:\n  g: {group}\noutputs:\n  o: {{value: {{get_attr: [g, refs, 0]}}}}\n")
    assert done.after == "2013-05-23"
    assert "g gets the whole path of get_attr" in remarks(done)[0]


def test_a_remnant_of_another_dialect_is_only_remarked_upon() -> None:
    done = upgraded("outputs:\n  o: {value: {Fn::GetAtt: [a, b]}}\n")
    assert done.after == NEWEST.date
    assert remarks(done) == ["3: Fn::GetAtt is plain data in HOT; if a function is meant, use get_attr"]


def test_deprecated_attributes_are_remarked_upon() -> None:
    server = "resources:\n  s: {type: OS::Nova::Server, properties: {flavor: m1}}\n"
    done = upgraded(server + "outputs:\n  o: {value: {get_attr: [s, accessIPv4]}}\n", NEWEST.date)
    assert "the attribute accessIPv4 is deprecated" in remarks(done)[0]


def test_what_an_alias_repeats_is_changed_with_it_or_left() -> None:
    body = """\
resources:
  a: {type: OS::Neutron::Subnet, properties: &p {network_id: n, cidr: 10.0.0.0/24}}
  b: {type: OS::Neutron::Subnet, properties: *p}
  c: {type: OS::Heat::Value, properties: {value: *p}}
"""
    done = upgraded(body, NEWEST.date)
    assert "&p {network_id: n" in done.text
    assert "left, because it cannot be changed here without changing something else" in remarks(done)[0]
    done = upgraded(body.rpartition("  c:")[0], NEWEST.date)
    assert "&p {network: n" in done.text


def test_templates_of_cloudformation_keep_their_version() -> None:
    text = (
        "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  S:\n    Type: OS::Neutron::Subnet\n"
        "    Properties: {network_id: !Ref N, cidr: 10.0.0.0/24}\n  N: {Type: OS::Neutron::Net}\n"
    )
    assert upgrade(text, REGISTRY).text == text.replace("network_id", "network")


@pytest.mark.parametrize("path", sorted(Path("examples").rglob("*.yaml")), ids=str)
def test_examples_need_nothing_but_a_version(path: Path) -> None:
    text = path.read_text()
    done = upgrade(text, REGISTRY)
    version = load_template(text).version
    assert done.text == (
        text.replace(version.date, NEWEST.date) if text.startswith("heat_template_version") else text
    )
    load_template(done.text)


def evaluated(value: Any, version: str) -> Any:
    return run(value, version, given=GIVEN, scope=DataScope(**SCOPE), parameters=TYPES, resources=RESOURCES)


RESOURCES = {"r": {"type": "OS::Heat::TestResource"}}


def means_the_same(value: Any, version: str) -> None:
    """What a value evaluates to stays when its template is upgraded."""
    template = {
        "heat_template_version": version,
        "parameters": TYPES,
        "resources": RESOURCES,
        "outputs": {"o": {"value": value}},
    }
    blocks, flow = (upgrade(text, REGISTRY).text for text in (to_yaml(template), json.dumps(template)))
    new = read(blocks)
    load_template(blocks)
    assert json.loads(flow) == new
    assert evaluated(new["outputs"]["o"]["value"], new["heat_template_version"]) == evaluated(value, version)


@pytest.mark.parametrize(("value", "expected", "version"), RESULTS, ids=str)
def test_values_of_the_reference_stay(value: Any, expected: Any, version: str) -> None:
    means_the_same(value, version)


texts = st.sampled_from(["a", "b,c", "$x", "text: {1}", "", "- a", "two\nlines\n", "1"]) | st.builds(
    lambda name: {"Ref": name}, st.sampled_from(["p", "r", "OS::stack_name"])
)
keys = st.sampled_from([0, 1, -1, "0", "1", "k", "none"])
values = st.recursive(
    texts,
    lambda inner: st.one_of(
        st.builds(lambda items: {"Fn::Join": ["-", items]}, st.lists(inner, max_size=2)),
        st.builds(lambda x, y: {"Fn::Replace": [{"$x": x}, y]}, inner, inner),
        st.builds(lambda x: {"Fn::Base64": x}, inner),
        st.builds(lambda x: {"Fn::Split": [",", x]}, inner),
        st.builds(lambda k, x: {"Fn::Select": [k, {"Fn::Split": [",", x]}]}, keys, inner),
        st.builds(lambda k, x: {"Fn::Select": [k, x]}, keys, st.lists(inner, max_size=2)),
        st.builds(lambda k, x: {"Fn::Select": [k, {"Ref": x}]}, keys, st.sampled_from(["l", "j", "p"])),
        st.builds(lambda x, y: {"k": x, "l": [y]}, inner, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=80)
@given(values)
def test_what_evaluated_before_evaluates_to_the_same(value: Any) -> None:
    try:
        evaluated(value, "2013-05-23")
    except StackdError:
        return
    means_the_same(value, "2013-05-23")
