"""What goes along with a template."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import httpx
import pytest
import respx
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stackd.cli.failures import Failure
from stackd.cli.packing import Unreadable, leave_references, pack


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_yaml", ".yaml").replace("_sh", ".sh")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_template_without_references_is_sent_as_it_is(tmp_path: Path) -> None:
    text = "heat_template_version: 2016-10-14  # a comment\nresources: {}\n"
    write(tmp_path, a_yaml=text)
    package = pack(str(tmp_path / "a.yaml"))
    assert (package.template, package.files, package.environment_files) == (text, {}, ())


def test_get_file_is_collected_under_its_file_url(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="resources:\n  x: {get_file: 'run.sh'}\n", run_sh="echo é\n")
    package = pack(str(tmp_path / "a.yaml"))
    url = (tmp_path / "run.sh").as_uri()
    assert package.files == {url: "echo é\n"}
    assert package.template == f'resources:\n  x: {{get_file: "{url}"}}\n'


def test_nested_templates_are_collected_relative_to_their_own_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        a_yaml="resources: {t: {type: sub/tier.yaml}}",
        sub__tier_yaml="resources: {s: {type: leaf.yaml}}",
        sub__leaf_yaml="x: {get_file: ../run.sh}",
        run_sh="hi",
    )
    package = pack(str(tmp_path / "a.yaml"))
    tier, leaf, run = ((tmp_path / name).as_uri() for name in ("sub/tier.yaml", "sub/leaf.yaml", "run.sh"))
    assert set(package.files) == {tier, leaf, run}
    assert leaf in package.files[tier]
    assert run in package.files[leaf]


def test_type_inside_a_group_definition_is_collected(tmp_path: Path) -> None:
    write(
        tmp_path,
        a_yaml="resources: {g: {type: OS::Heat::ResourceGroup, properties: {resource_def: {type: t.yaml}}}}",
        t_yaml="resources: {}",
    )
    assert list(pack(str(tmp_path / "a.yaml")).files) == [(tmp_path / "t.yaml").as_uri()]


def test_built_in_types_are_left_alone(tmp_path: Path) -> None:
    text = "resources: {g: {type: OS::Nova::Server}, h: {get_file: {get_param: which}}}"
    write(tmp_path, a_yaml=text)
    assert pack(str(tmp_path / "a.yaml")).template == text


def test_line_numbers_survive_the_rewriting(tmp_path: Path) -> None:
    lines = ["resources:", "  a:", "    type: t.yaml", "  b:", "    type: OS::Heat::Value", "# end"]
    write(tmp_path, a_yaml="\n".join(lines), t_yaml="{}")
    template = pack(str(tmp_path / "a.yaml")).template
    assert template is not None
    assert [line for line in template.splitlines() if "t.yaml" not in line] == lines[:2] + lines[3:]


def test_json_template_is_packed_too(tmp_path: Path) -> None:
    write(tmp_path, t_yaml="{}")
    (tmp_path / "a.json").write_text('{\n\t"Resources": {"A": {"Type": "t.yaml"}}\n}')
    template = pack(str(tmp_path / "a.json")).template
    assert json.loads(template or "")["Resources"]["A"]["Type"] == (tmp_path / "t.yaml").as_uri()


def test_anchored_reference_is_rewritten_once(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a: &d {get_file: run.sh}\nb: *d\nc: {<<: *d}\n", run_sh="x")
    template = yaml.safe_load(pack(str(tmp_path / "a.yaml")).template)
    url = (tmp_path / "run.sh").as_uri()
    assert [template[key]["get_file"] for key in "abc"] == [url] * 3


def test_template_that_contains_itself_ends(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="resources: {t: {type: a.yaml}}")
    assert list(pack(str(tmp_path / "a.yaml")).files) == [(tmp_path / "a.yaml").as_uri()]


def test_file_that_is_not_text_is_base64(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="x: {get_file: blob}")
    (tmp_path / "blob").write_bytes(b"\xff\x00")
    assert list(pack(str(tmp_path / "a.yaml")).files.values()) == [base64.b64encode(b"\xff\x00").decode()]


def test_environment_registry_and_base_url_are_resolved(tmp_path: Path) -> None:
    write(
        tmp_path,
        env__e_yaml=(
            "parameters: {type: x.yaml}\n"
            "resource_registry:\n"
            "  My::Tier: ../t.yaml\n"
            "  Other::Thing: OS::Heat::None\n"
            "  resources:\n"
            "    a: {hooks: pre-create, My::Leaf: leaf.yaml}\n"
        ),
        t_yaml="resources: {}",
        env__leaf_yaml="resources: {}",
    )
    package = pack(None, (str(tmp_path / "env/e.yaml"),))
    environment, tier, leaf = (
        (tmp_path / name).as_uri() for name in ("env/e.yaml", "t.yaml", "env/leaf.yaml")
    )
    assert package.environment_files == (environment,)
    assert set(package.files) == {environment, tier, leaf}
    registry = yaml.safe_load(package.files[environment])["resource_registry"]
    assert registry["My::Tier"] == tier
    assert registry["resources"]["a"] == {"hooks": "pre-create", "My::Leaf": leaf}
    assert "template" not in package.body()


def test_base_url_of_the_registry_is_where_its_files_are(tmp_path: Path) -> None:
    write(tmp_path, lib__t_yaml="{}")
    base = (tmp_path / "lib").as_uri()
    write(tmp_path, e_yaml=f"resource_registry: {{base_url: '{base}', My::T: t.yaml}}")
    assert (tmp_path / "lib/t.yaml").as_uri() in pack(None, (str(tmp_path / "e.yaml"),)).files


def test_missing_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="x: {get_file: gone.sh}")
    with pytest.raises(Failure, match=r"gone\.sh cannot be read") as caught:
        pack(str(tmp_path / "a.yaml"))
    assert caught.value.exit_code == 2


def test_missing_file_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    texts = "resources:\n  w:\n    properties:\n      of: [1, {get_file: gone.sh}]\n"
    write(tmp_path, a_yaml="resources: {n: {type: sub/n.yaml}}", sub__n_yaml=texts)
    with pytest.raises(Unreadable) as caught:
        pack(str(tmp_path / "a.yaml"))
    where = f"{tmp_path}/sub/n.yaml:4:26: resources.w.properties.of[1].get_file"
    problem = f"{tmp_path}/sub/gone.sh cannot be read: No such file or directory."
    assert caught.value.message == f"{where}: {problem}"


LATIN = "heat_template_version: rocky\ndescription: gr\u00fcn\n".encode("latin-1")


def test_template_and_environment_have_to_be_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(LATIN)
    for template, environments in (("latin.yaml", ()), (None, ("latin.yaml",))):
        with pytest.raises(Failure) as caught:
            pack(template, environments)
        assert caught.value.message == "latin.yaml is not UTF-8 text."
        assert caught.value.remedy == "Save it as UTF-8; the first byte that is not is in line 2."
        assert caught.value.exit_code == 2
    with pytest.raises(Failure, match=r"^latin\.yaml is not UTF-8 text\.$"):
        leave_references("latin.yaml")


@pytest.mark.parametrize(
    ("text", "path"),
    [("resources: {n: {type: latin.yaml}}", "resources.n.type"), ("resource_registry: {A: latin.yaml}", "")],
)
def test_nested_template_has_to_be_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, a_yaml=text)
    (tmp_path / "latin.yaml").write_bytes(LATIN)
    with pytest.raises(Unreadable) as caught:
        pack("a.yaml") if path else pack(None, ("a.yaml",))
    where = f"a.yaml:1:{text.index('latin') + 1}: {path or 'resource_registry.A'}"
    assert caught.value.message == f"{where}: latin.yaml is not UTF-8 text."
    assert "UTF-8" in caught.value.remedy


def test_broken_yaml_is_placed(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a: 1\nb: [\n")
    with pytest.raises(Failure, match=r"a\.yaml:2:5: not valid YAML"):
        pack(str(tmp_path / "a.yaml"))


@respx.mock(using="httpx")
def test_template_on_the_web_takes_its_files_from_there(respx_mock: respx.MockRouter) -> None:
    respx_mock.get("http://web/d/a.yaml").respond(text="x: {get_file: run.sh}")
    respx_mock.get("http://web/d/run.sh").respond(text="hi")
    assert pack("http://web/d/a.yaml").files == {"http://web/d/run.sh": "hi"}


@pytest.mark.parametrize("target", ["/etc/passwd", "file:///etc/passwd"])
def test_template_on_the_web_cannot_read_this_machine(target: str) -> None:
    with respx.mock(using="httpx", assert_all_called=False) as web:
        web.get("http://web/a.yaml").respond(text=f"x: {{get_file: '{target}'}}")
        web.get("http://web/etc/passwd").respond(404)
        with pytest.raises(Failure):
            pack("http://web/a.yaml")


@respx.mock(using="httpx")
def test_template_that_cannot_be_fetched_is_unreachable(respx_mock: respx.MockRouter) -> None:
    respx_mock.get("http://web/a.yaml").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(Failure, match=r"http://web/a\.yaml cannot be fetched") as caught:
        pack("http://web/a.yaml")
    assert caught.value.exit_code == 5


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)


@given(before=TEXT, after=TEXT)
def test_rewriting_touches_nothing_but_the_reference(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str
) -> None:
    directory = tmp_path_factory.mktemp("t")
    write(directory, run_sh="x")
    original = {"a": before, "b": {"get_file": "run.sh"}, "c": after}
    (directory / "a.yaml").write_text(json.dumps(original, ensure_ascii=False))
    packed = json.loads(pack(str(directory / "a.yaml")).template or "")
    assert packed == original | {"b": {"get_file": (directory / "run.sh").as_uri()}}
