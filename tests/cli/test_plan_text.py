"""Plans as the API gives them, and the lines that they become."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.cli.plan_text import plain_text, plan_lines, refused_text, summary_text


def step(
    path: list[str], verb: str, *causes: dict[str, Any], kind: str = "OS::Nova::Server", **more: Any
) -> Any:
    return {"path": path, "type": kind, "verb": verb, "causes": list(causes), **more}


def cause(path: str, old: Any = None, new: Any = None, **more: Any) -> dict[str, Any]:
    return {"path": path, "old": old, "new": new, **more}


def shown(*steps: Any, **summary: int) -> list[str]:
    return plain_text(plan_lines({"steps": list(steps), "summary": summary})).split("\n")


def test_each_verb_has_its_sign_and_causes_stand_below() -> None:
    flavor = cause(
        "properties.flavor", "m1.small", "m1.large", replaces=True, rule="cannot be changed in place"
    )
    assert shown(
        step(["log_2"], "create", kind="OS::Cinder::Volume"),
        step(["site", "port"], "update", cause("properties.name", None, "p"), kind="OS::Neutron::Port"),
        step(["db"], "replace", flavor, cause("properties.image", "debian", None, unknown=True)),
        step(["old"], "delete", cause("", rule="no longer in the template"), kind="OS::Heat::None"),
        create=1,
        update=1,
        replace=1,
        delete=1,
        keep=3,
    ) == [
        "    + create   log_2 (OS::Cinder::Volume)",
        "    ~ update   site/port (OS::Neutron::Port)",
        "               name: (not set) → p",
        "  -/+ replace  db (OS::Nova::Server)",
        "               flavor: m1.small → m1.large  # forces replacement",
        "               image: debian → (known after apply)",
        "    - delete   old (OS::Heat::None)  # no longer in the template",
        "",
        "1 to create, 1 to update, 1 to replace, 1 to delete",
    ]


def test_a_plan_without_steps_has_no_changes() -> None:
    assert shown(keep=4) == ["No changes."]


def test_what_is_inside_a_nested_stack_follows_it() -> None:
    paths = [
        ["logs"],
        ["web"],
        ["logs", "1"],
        ["gone", "a"],
        ["web", "site", "port"],
        ["gone"],
        ["web", "vm"],
    ]
    lines = shown(*(step(path, "update") for path in paths))
    assert [line.split()[2] for line in lines[:-2]] == [
        "logs",
        "logs/1",
        "web",
        "web/site/port",
        "web/vm",
        "gone",
        "gone/a",
    ]


def test_type_that_is_a_template_is_named_by_its_file() -> None:
    assert shown(step(["web"], "update", kind="file:///home/me/tier.yaml"))[0].endswith("web (tier.yaml)")


def test_summary_counts_other_verbs_only_when_there_are_some() -> None:
    summary = {"create": 2, "replace": 1, "keep": 5, "abandon": 1, "adopt": 0}
    assert summary_text(summary) == "2 to create, 0 to update, 1 to replace, 0 to delete, 1 to abandon"


def test_a_reason_of_the_whole_resource_stands_behind_it() -> None:
    why = cause("", replaces=True, rule="its last CREATE failed")
    assert shown(step(["a"], "replace", why))[0].endswith("  # forces replacement: its last CREATE failed")


def test_a_deferred_step_says_when_it_is_planned() -> None:
    assert shown(step(["a"], "create", deferred=True))[0].endswith(
        "  # planned when what it depends on is known"
    )
    why = cause("", unknown=True, rule="planned when what it depends on is known")
    assert shown(step(["a"], "update", why, deferred=True))[0].count("planned") == 1


def test_of_maps_only_what_differs_is_shown() -> None:
    old = {"a": 1, "same": {"x": 1}, "deep": {"b": [1], "c": 1}}
    new = {"same": {"x": 1}, "deep": {"b": [1, 2], "c": 1}, "d": True}
    assert shown(step(["a"], "update", cause("properties.metadata", old, new)))[1:4] == [
        "               metadata.a: 1 → (not set)",
        "               metadata.deep.b: [1] → [1, 2]",
        "               metadata.d: (not set) → true",
    ]


def test_an_equal_cause_is_named_without_values() -> None:
    lines = shown(step(["a"], "update", cause("metadata", rule="metadata changed")))
    assert lines[1] == "               metadata  # metadata changed"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("m1.small", "m1.small"),
        ("two words", "two words"),
        ("80", '"80"'),
        (80, "80"),
        ("true", '"true"'),
        (True, "true"),
        ("", '""'),
        (" a", '" a"'),
        ("a\nb", '"a\\nb"'),
        ("(known after apply)", '"(known after apply)"'),
        ("a → b", '"a → b"'),
        (["é", None], '["é", null]'),
        ("******", "******"),
    ],
)
def test_values_of_different_types_look_different(value: Any, text: str) -> None:
    assert shown(step(["a"], "update", cause("p", "old", value)))[1] == f"               p: old → {text}"


def test_long_values_are_cut_to_where_they_differ() -> None:
    old, new = "x" * 500 + "A" + "y" * 500, "x" * 500 + "B" + "y" * 500
    line = shown(step(["a"], "update", cause("p", old, new)))[1]
    assert "A" in line
    assert "B" in line
    assert len(line) < 220
    assert line.count("…") == 4


def test_colours_belong_to_verbs_and_to_what_forces_replacement() -> None:
    (first, second, *_) = plan_lines({"steps": [step(["a"], "replace", cause("p", 1, 2, replaces=True))]})
    assert first[0].style == "magenta"
    assert second[-1] == ("  # forces replacement", "red")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def test_nothing_that_steers_a_terminal_is_shown_as_it_is() -> None:
    lines = shown(step(["a"], "update", cause("p", {"\x1b[2J": "\x9b1m"}, {"\x1b[2J": "\u202e"})))
    assert lines[1] == r'               p."\u001b[2J": "\u009b1m" → "\u202e"'


@given(values, values)
def test_every_difference_is_shown_on_lines_of_its_own(old: Any, new: Any) -> None:
    lines = shown(step(["a"], "update", cause("properties.p", old, new)))
    assert all(line.startswith("               p") for line in lines[1:-2])
    assert len(lines) > 3
    assert lines[-2] == ""


def test_a_change_that_is_refused_is_marked_and_counted_apart() -> None:
    fixed = cause("properties.flavor", "a", "b", replaces=True, rule="cannot be changed in place")
    steps = [step(["web", "db"], "replace", fixed, refused="replace is restricted."), step(["vm"], "update")]
    assert shown(*steps, update=1, refused=1) == [
        "    ! replace  web/db (OS::Nova::Server)  # refused: replace is restricted.",
        "               flavor: a → b  # forces replacement",
        "    ~ update   vm (OS::Nova::Server)",
        "",
        "0 to create, 1 to update, 0 to replace, 0 to delete, 1 refused",
    ]
    assert refused_text({"steps": steps}) == "web/db: replace is restricted."
    assert refused_text({"steps": steps[1:]}) == ""
