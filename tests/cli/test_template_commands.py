"""`stackd template`: what the commands say, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
import yaml
from click.testing import CliRunner, Result

from stackd.cli.main import cli
from stackd.cli.template import COMMANDS
from stackd.lint import RULES
from tests.support.templates import hot_text as hot

ROOT = Path(__file__).parents[2]
WEBAPP = str(ROOT / "examples/webapp.yaml")
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write files into an empty working directory; gives the name of the first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stackd.toml").write_text("")

    def files(**texts: str) -> str:
        names = [name.replace("__", "/").replace("_yaml", ".yaml").replace("_sh", ".sh") for name in texts]
        for name, text in zip(names, texts.values(), strict=True):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return names[0]

    return files


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["template", *arguments])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: cli template {name}")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom stackd.cli.main import cli\n"
        "cli(['template', '--help'], standalone_mode=False)\n"
        "print([name for name in ('yaml', 'pydantic', 'networkx', 'stackd.template') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("name", ["validate", "lint", "graph", "resolve"])
def test_missing_file_is_wrong_usage(name: str, write: Write) -> None:
    result = run(name, "gone.yaml")
    assert result.exit_code == 2
    assert "gone.yaml cannot be read" in result.output


# --- validate -------------------------------------------------------------------------------------


def test_mistake_is_shown_with_its_line_value_and_remedy(write: Write) -> None:
    name = write(
        a_yaml=hot("resources:\n  v:\n    type: OS::Cinder::Volume\n    properties:\n      size: huge\n")
    )
    result = run("validate", name)
    assert result.exit_code == 1
    head, source, caret, value, remedy = result.output.splitlines()
    assert head.startswith("a.yaml:6:13: ")
    assert "resources.v.properties.size" in head
    assert source == "    6 |       size: huge"
    assert caret.index("^") == source.index("huge")
    assert value.strip() == 'value: "huge"'
    assert remedy.strip().startswith("remedy: ")


@pytest.mark.parametrize("command", ["validate", "lint", "graph", "resolve", "format", "upgrade"])
@pytest.mark.parametrize("section", ["resources", "outputs", "parameters", "conditions", "parameter_groups"])
@pytest.mark.parametrize("value", ["x", "5", "[1]", "[{a: 1}]", "{a: 5}", "{5: {}}"])
def test_section_that_is_no_map_is_a_finding_of_every_command(
    command: str, section: str, value: str, write: Write
) -> None:
    file = write(t_yaml=f"heat_template_version: 2018-08-31\n{section}: {value}\n")
    result = run(command, file)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception


def test_all_mistakes_are_told_in_the_order_of_the_text(write: Write) -> None:
    name = write(
        a_yaml=hot(
            "resources:\n  n: {type: OS::Neutron::Net, properties: {nam: a}}\n"
            "  s: {type: OS::Neutron::Subnet}\n  v: {type: OS::Nova::Serve}\n"
        )
    )
    result = run("validate", name, "-f", "json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["valid"]) == (1, False)
    assert [each["line"] for each in answer["findings"]] == [3, 4, 5]
    assert answer["findings"][0]["path"] == "resources.n.properties.nam"
    assert answer["findings"][0]["remedy"] == "Did you mean name?"


def test_column_is_that_of_the_file_though_references_were_rewritten(write: Write) -> None:
    line = "  t: {type: t.yaml, properties: {text: {get_file: run.sh}, wrong: 1}}\n"
    name = write(
        a_yaml=hot(f"resources:\n{line}"), t_yaml=hot("parameters: {text: {type: string}}"), run_sh="x"
    )
    found = json.loads(run("validate", name, "-f", "json").stdout)["findings"]
    assert [(each["line"], each["column"]) for each in found] == [(3, line.index("wrong") + 1)]
    assert found[0]["source"] == line.rstrip("\n")


def test_mistake_in_a_nested_template_is_shown_in_its_file(write: Write) -> None:
    name = write(
        a_yaml=hot("resources: {t: {type: sub/t.yaml}}"),
        sub__t_yaml=hot("resources:\n  v: {type: OS::Cinder::Volume, properties: {size: huge}}\n"),
    )
    result = run("validate", name)
    assert result.exit_code == 1
    assert result.output.startswith("sub/t.yaml:3:")
    assert "    3 |   v: {type: OS::Cinder::Volume" in result.output


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: b\nc: [d\n", "a.yaml:2:6"), ("a: b\n c: d\n", "a.yaml:2:3"), ("[" * 9000, "a.yaml:1:")],
)
def test_text_that_is_not_yaml_is_a_finding(write: Write, text: str, place: str) -> None:
    result = run("validate", write(a_yaml=text))
    assert result.exit_code == 1
    assert result.output.startswith(place)


def test_broken_nested_template_is_a_finding(write: Write) -> None:
    result = run("validate", write(a_yaml=hot("resources: {t: {type: t.yaml}}"), t_yaml="a: ["))
    assert result.exit_code == 1
    assert result.output.splitlines()[:3] == [
        "t.yaml:1:5: not valid YAML: did not find expected node content",
        "    1 | a: [",
        "      |     ^",
    ]


def test_wrong_environment_is_a_finding(write: Write) -> None:
    name = write(a_yaml=hot(""), e_yaml="parameter: {}\n")
    result = run("validate", name, "-e", "e.yaml")
    assert result.exit_code == 1
    assert result.output.startswith("e.yaml:1:")
    assert "    1 | parameter: {}" in result.output


def test_repeated_key_is_a_warning_and_no_mistake(write: Write) -> None:
    result = run("validate", write(a_yaml=hot("description: a\ndescription: b\n")))
    assert result.exit_code == 0
    assert "a.yaml:3:1: warning: " in result.output
    assert result.output.endswith("a.yaml: no mistakes\n")


def test_parameters_may_be_given_and_are_judged(write: Write) -> None:
    name = write(a_yaml=hot("parameters: {n: {type: number, constraints: [{range: {max: 3}}]}}"))
    assert run("validate", name).exit_code == 0
    assert run("validate", name, "-P", "n=2").exit_code == 0
    assert run("validate", name, "-P", "n=4").exit_code == 1
    assert run("validate", name, "-P", "m=4").exit_code == 1
    assert run("validate", name, "-P", "n").exit_code == 2


def test_environment_maps_types_and_gives_parameters(write: Write) -> None:
    name = write(
        a_yaml=hot("parameters: {n: {type: string}}\nresources: {t: {type: My::Type}}"),
        e_yaml="parameters: {n: a}\nresource_registry: {'My::Type': t.yaml}\n",
        t_yaml=hot(""),
    )
    assert run("validate", name).exit_code == 1
    assert run("validate", name, "-e", "e.yaml").exit_code == 0


def test_show_nested_tells_what_the_stacks_take() -> None:
    result = run("validate", WEBAPP, "--show-nested")
    assert result.exit_code == 0
    assert "  web (tier.yaml):\n    image: String = cirros\n" in result.output
    answer = json.loads(run("validate", WEBAPP, "-f", "json").stdout)
    assert answer["valid"] is True
    assert list(answer["NestedParameters"]) == ["web", "logs"]
    assert "<unknown" not in json.dumps(answer)


def test_server_is_asked_and_its_answer_shown_with_the_lines_of_the_file(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_AUTH_TYPE", "none")
    monkeypatch.delenv("OS_CLOUD", raising=False)
    name = write(a_yaml=hot("resources:\n  a: {type: t.yaml, wrong: 1}\n"), t_yaml=hot(""))
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((request.url.params["show_nested"], json.loads(request.content)))
        packed = sent[0][1]["template"].splitlines()[2]
        told = {
            "message": "no such key",
            "path": "resources.a.wrong",
            "line": 3,
            "column": packed.index("wrong") + 1,
        }
        error = {"type": "StackValidationFailed", "message": "no such key", "errors": [told]}
        return httpx.Response(400, json={"error": error})

    with respx.mock(using="httpx") as mock:
        mock.post("http://heat/v1/admin/validate").mock(side_effect=answer)
        result = run(
            "validate", name, "--server", "--endpoint", "http://heat/v1", "-P", "p=1", "--show-nested"
        )
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == "a.yaml:3:21: resources.a.wrong: no such key"
    assert sent[0][0] == "true"
    assert sent[0][1]["parameters"] == {"p": "1"}
    assert list(sent[0][1]["files"]) == [Path("t.yaml").absolute().as_uri()]


@pytest.mark.parametrize(
    ("status", "body", "code", "line"),
    [
        (403, {}, 4, "Error: The server answered HTTP 403."),
        (400, {"error": {"message": "wrong section"}}, 1, "a.yaml: wrong section"),
    ],
)
def test_server_that_tells_one_thing_only(
    write: Write, monkeypatch: pytest.MonkeyPatch, status: int, body: object, code: int, line: str
) -> None:
    monkeypatch.setenv("OS_AUTH_TYPE", "none")
    monkeypatch.delenv("OS_CLOUD", raising=False)
    with respx.mock(using="httpx") as mock:
        mock.post("http://heat/v1/admin/validate").mock(return_value=httpx.Response(status, json=body))
        result = run("validate", write(a_yaml=hot("")), "--server", "--endpoint", "http://heat/v1")
    assert (result.exit_code, result.output.splitlines()[0]) == (code, line)


# --- lint -----------------------------------------------------------------------------------------


def test_lint_tells_rule_and_line_also_of_nested_templates(write: Write) -> None:
    name = write(
        a_yaml=hot("parameters: {token: {type: string}}\nresources: {t: {type: t.yaml}}"),
        t_yaml=hot("parameters:\n  unused: {type: string}\n"),
    )
    result = run("lint", name)
    assert result.exit_code == 1
    heads = [line for line in result.output.splitlines() if ": warning: " in line]
    assert [line.rpartition("[")[2] for line in heads] == [
        "unused-parameter]",
        "secret-not-hidden]",
        "unused-parameter]",
    ]
    assert heads[2].startswith("t.yaml:3:")
    left = json.loads(run("lint", name, "-f", "json", "--ignore", "unused-parameter").stdout)["findings"]
    assert [(each["rule"], each["severity"]) for each in left] == [("secret-not-hidden", "warning")]


def test_lint_of_the_examples_finds_nothing() -> None:
    for file in sorted(ROOT.glob("examples/*.yaml")):
        result = run("lint", str(file), "--ignore", "secret-in-output")
        assert (result.exit_code, result.output) == (0, f"{file}: nothing found\n")


def test_lint_reports_less_grave_problems_when_asked(write: Write) -> None:
    name = write(a_yaml=hot(""))
    assert run("lint", name).exit_code == 0
    result = run("lint", name, "--level", "info")
    assert result.exit_code == 1
    assert "info: The template has no description. [no-description]" in result.output


def test_lint_refuses_a_template_that_cannot_be_read(write: Write) -> None:
    result = run("lint", write(a_yaml=hot("resources: {a: {typ: b}, c: []}")))
    assert result.exit_code == 1
    assert "a.yaml:2:" in result.output


def test_unknown_rule_is_wrong_usage(write: Write) -> None:
    result = run("lint", write(a_yaml=hot("")), "--ignore", "spelling")
    assert result.exit_code == 2
    assert "There is no rule spelling." in result.output


def test_rules_are_listed_and_documented() -> None:
    guide = (ROOT / "docs/user-guide.md").read_text()
    listed = [line.split()[:2] for line in run("rules").output.splitlines()]
    assert listed == [[rule.severity.name.lower(), rule.id] for rule in RULES.values()]
    assert [rule for rule in RULES if f"`{rule}`" not in guide] == []


# --- graph ----------------------------------------------------------------------------------------


def test_graph_tells_why_one_needs_the_other() -> None:
    lines = [line.strip() for line in run("graph", WEBAPP).output.splitlines()]
    ids = {
        line.partition('["')[2].partition("<")[0]: line.partition("[")[0].split()[-1]
        for line in lines
        if '["' in line
    }
    assert f"{ids['network']} --> {ids['subnet']}" in lines
    assert f"{ids['router_interface']} -.-> {ids['address']}" in lines
    assert f"{ids['router']} -. types .-> {ids['address']}" in lines
    assert f'subgraph {ids["web"]}["web<br><small>tier.yaml</small>"]' in lines


@pytest.mark.parametrize(("form", "start"), [("dot", "digraph stack {"), ("svg", "<svg ")])
def test_graph_in_other_forms(form: str, start: str) -> None:
    result = run("graph", WEBAPP, "-f", form)
    assert result.exit_code == 0
    assert result.output.startswith(start)


def test_what_is_wrong_is_told_instead_of_drawing(write: Write) -> None:
    result = run("graph", write(a_yaml=hot("resources: {a: {type: OS::Nova::Serve}}")))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "a.yaml:2:" in result.stderr


# --- resolve --------------------------------------------------------------------------------------

TEMPLATE = hot("""
parameters:
  size: {type: number, default: 2}
  password: {type: string, hidden: true}
  open: {type: string}
conditions:
  large: {equals: [{get_param: size}, 10]}
  small: {not: large}
  asked: {equals: [{get_param: open}, yes]}
resources:
  volume:
    type: OS::Cinder::Volume
    condition: small
    deletion_policy: retain
    properties:
      size: {get_param: size}
      name:
        str_replace:
          template: disk-ID-OPEN
          params: {ID: {get_resource: other}, OPEN: {get_param: open}}
      metadata: {key: {get_param: password}, none: {if: [large, a, null]}}
  other: {type: OS::Heat::Value, condition: asked, properties: {value: [{get_attr: [inner, a]}, 1]}}
  gone: {type: OS::Heat::None, condition: large}
  inner: {type: t.yaml, properties: {text: {list_join: ["-", [a, {get_param: password}]]}}}
outputs:
  seen: {description: A status., condition: small, value: {get_attr: [volume, status]}}
  unseen: {condition: large, value: 1}
""")
INNER = hot("""
parameters: {text: {type: string}}
resources: {v: {type: OS::Heat::Value, properties: {value: {get_param: text}}}}
outputs: {a: {value: 1}}
""")


def resolved(*options: str) -> Any:
    result = run("resolve", "a.yaml", *options)
    assert result.exit_code == 0, result.output
    return yaml.safe_load(result.stdout)


def test_resolve_evaluates_what_is_known_and_names_what_is_not(write: Write) -> None:
    write(a_yaml=TEMPLATE, t_yaml=INNER)
    shown = resolved()
    assert list(shown) == ["heat_template_version", "resources", "outputs"]
    assert list(shown["resources"]) == ["volume", "other", "inner"]
    assert shown["resources"]["volume"] == {
        "type": "OS::Cinder::Volume",
        "deletion_policy": "retain",
        "properties": {
            "size": 2,
            "name": "disk-<other>-<parameters.open>",
            "metadata": {"key": "<parameters.password>", "none": None},
        },
    }
    assert shown["resources"]["other"]["properties"]["value"] == ["<inner.a>", 1]
    assert shown["resources"]["other"]["condition"] == "asked"
    assert shown["resources"]["inner"]["type"] == "t.yaml"
    assert shown["outputs"] == {"seen": {"description": "A status.", "value": "<volume.status>"}}


def test_resolve_with_parameters_decides_conditions(write: Write) -> None:
    write(a_yaml=TEMPLATE, t_yaml=INNER)
    shown = resolved("-P", "size=10", "-P", "open=no", "-P", "password=x")
    assert list(shown["resources"]) == ["gone", "inner"]
    assert shown["outputs"] == {"unseen": {"value": 1}}


def test_hidden_values_are_shown_only_when_asked_for(write: Write) -> None:
    write(a_yaml=TEMPLATE, t_yaml=INNER)
    options = ("-P", "password=hunter2", "--show-nested")
    shown = resolved(*options)["resources"]["inner"]
    assert shown["properties"]["text"] == "a-<parameters.password>"
    assert shown["nested"]["resources"]["v"]["properties"]["value"] == "a-******"
    assert "hunter2" not in run("resolve", "a.yaml", *options).output
    shown = resolved(*options, "--show-hidden")["resources"]["inner"]
    assert shown["nested"]["resources"]["v"]["properties"]["value"] == "a-hunter2"


def test_resolve_keeps_the_dialect_and_writes_texts_as_blocks(write: Write) -> None:
    write(
        a_yaml='HeatTemplateFormatVersion: "2012-12-12"\nResources:\n  V:\n    Type: OS::Heat::Value\n'
        '    Properties: {value: {"Fn::Join": ["\\n", [a, {Ref: W}, ""]]}}\n  W: {Type: OS::Heat::None}\n'
    )
    result = run("resolve", "a.yaml")
    assert "      value: |\n        a\n        <W>\n" in result.stdout
    assert yaml.safe_load(result.stdout)["Resources"]["V"]["Properties"]["value"] == "a\n<W>\n"


def test_resolve_names_what_a_text_of_cloudformation_waits_for(write: Write) -> None:
    write(
        a_yaml='AWSTemplateFormatVersion: "2010-09-09"\nParameters: {N: {Type: String, Default: n}}\n'
        "Resources:\n  V:\n    Type: OS::Heat::Value\n"
        '    Properties: {value: !ImportValue {"Fn::Sub": "${N}-x"}}\n  W: {Type: OS::Heat::None}\n'
        'Outputs: {O: {Value: !Sub "${V.value}"}, P: {Value: !Sub "${N}/${W}"}}\n'
    )
    shown = resolved()
    assert shown["Resources"]["V"]["Properties"]["value"] == "<exports.n-x>"
    assert shown["Outputs"] == {"O": {"Value": "<V.value>"}, "P": {"Value": "n/<W>"}}
    assert "nothing found" in run("lint", "a.yaml").output


def test_attributes_are_seen_inside_of_texts_and_lists_stay_whole(write: Write) -> None:
    write(
        a_yaml=hot("""
resources:
  v: {type: OS::Heat::Value, properties: {value: 1}}
  g: {type: OS::Heat::ResourceGroup, properties: {count: 1, resource_def: {type: OS::Heat::None}}}
outputs:
  text: {value: {list_join: ["-", [a, {get_attr: [v, value]}, {get_attr: [g, refs, 0]}]]}}
  list: {value: [{list_join: ["-", {get_attr: [g, refs]}]}]}
""")
    )
    assert resolved()["outputs"] == {
        "text": {"value": "a-<v.value>-<g.refs.0>"},
        "list": {"value": ["<g.refs>"]},
    }


def test_template_that_is_not_utf_8_is_said_to_be_so(write: Write) -> None:
    Path(write(latin_yaml="")).write_bytes("description: gr\u00fcn\n".encode("latin-1"))
    result = run("validate", "latin.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: latin.yaml is not UTF-8 text.\nRemedy: ")


def test_file_that_is_missing_is_shown_in_the_line_that_names_it(write: Write) -> None:
    write(a_yaml=hot("resources: {w: {type: OS::Heat::Value, properties: {value: {get_file: gone.sh}}}}"))
    result = run("validate", "a.yaml")
    assert result.exit_code == 1
    first, source, *_ = result.output.splitlines()
    assert first.startswith("a.yaml:")
    assert "resources.w.properties.value.get_file: " in first
    assert "gone.sh cannot be read: No such file or directory." in first
    assert "get_file: gone.sh" in source


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": "a"}, "a.yaml includes itself: "),
        ({"a": "b", "b": "a"}, "b.yaml includes itself by way of a.yaml: "),
    ],
)
def test_template_that_includes_itself_is_named(write: Write, files: dict[str, str], said: str) -> None:
    write(
        **{f"{name}_yaml": hot(f"resources: {{r: {{type: {inner}.yaml}}}}") for name, inner in files.items()}
    )
    result = run("validate", "a.yaml")
    assert result.exit_code == 1
    first, *others = result.output.splitlines()
    assert first.count("resources.r<") == 5
    assert first.endswith(".yaml>: Recursion depth exceeds 5.")
    assert any(f"remedy: {said}" in line for line in others)
    assert "max_nested_stack_depth" not in result.output
    assert "file://" not in result.output
