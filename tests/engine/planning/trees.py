"""Generated trees of definitions: templates in templates and groups, three deep, with references."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.support.templates import hot

NAMES = ("a", "b", "c", "d")
SECRETS = ("first-hidden-word", "other-hidden-word")
INNER_SECRETS = ("first-inner-word", "other-inner-word")
_DEEP = 3

_PARAMETERS = {
    "word": {"type": "string", "default": "w0"},
    "secret": {"type": "string", "default": "none", "hidden": True},
    "flag": {"type": "boolean", "default": False},
    "number": {"type": "number", "default": 1},
}
_CONDITIONS = {
    "on": {"equals": [{"get_param": "flag"}, True]},
    "short": {"equals": [{"get_param": "word"}, "w0"]},
}


@dataclass(frozen=True, slots=True)
class Tree:
    """A definition of a root stack."""

    template: dict[str, Any]
    files: dict[str, str]
    parameters: dict[str, Any]


@dataclass
class Drawn:
    """The resources of one template so far, and the expressions that can refer to them.

    ``texts`` are those whose values are texts, ``values`` all, ``sizes`` those that give the size of a group.
    """

    depth: int
    resources: dict[str, Any] = field(default_factory=dict)
    texts: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    sizes: list[Any] = field(default_factory=lambda: [0, 1, 2, {"get_param": "number"}])


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A root with the files that it may use."""
    files = {_file(depth): json.dumps(draw(templates(depth=depth))) for depth in range(_DEEP - 1, 0, -1)}
    parameters = {
        "word": draw(st.sampled_from(["w0", "w1"])),
        "secret": draw(st.sampled_from(SECRETS)),
        "flag": draw(st.booleans()),
        "number": draw(st.integers(0, 2)),
    }
    return Tree(draw(templates(depth=0)), files, parameters)


def _file(depth: int) -> str:
    return f"level{depth}.yaml"


@st.composite
def templates(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    """A template that may contain those of greater depth."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4 if depth == 0 else 3))
    drawn = Drawn(depth)
    for name in names:
        _add(draw, drawn, name)
    out = draw(_value(drawn))
    if draw(st.booleans()):
        out = {"if": ["on", out, "otherwise"]}
    outputs = {"out": {"value": out}}
    return hot(drawn.resources, parameters=_PARAMETERS, conditions=_CONDITIONS, outputs=outputs)


def _add(draw: st.DrawFn, drawn: Drawn, name: str) -> None:
    kinds = [_fixed, _random, _probe]
    if drawn.depth < _DEEP - 1:
        kinds += [_template, _group, _group]
    body = draw(st.sampled_from(kinds))(draw, drawn, name)
    if drawn.resources and draw(st.integers(0, 3)) == 0:
        body["depends_on"] = draw(st.sampled_from(sorted(drawn.resources)))
    if draw(st.integers(0, 4)) == 0:
        body["deletion_policy"] = "Retain"
    if draw(st.integers(0, 4)) == 0:
        body["condition"] = draw(st.sampled_from(sorted(_CONDITIONS)))
        _forget(drawn, name)
    drawn.resources[name] = body


def _forget(drawn: Drawn, name: str) -> None:
    """Nothing refers to what may not be there."""
    for each in (drawn.texts, drawn.values, drawn.sizes):
        each[:] = [value for value in each if f'"{name}"' not in json.dumps(value)]


def _text(drawn: Drawn) -> st.SearchStrategy[Any]:
    plain: list[Any] = ["w0", "w1", {"get_param": "word"}, {"get_param": "secret"}]
    one = st.sampled_from(plain + drawn.texts)
    joined = st.lists(one, min_size=2, max_size=2).map(lambda parts: {"list_join": ["-", parts]})
    chosen = st.tuples(st.sampled_from(sorted(_CONDITIONS)), one, one).map(lambda parts: {"if": list(parts)})
    return st.one_of(one, one, joined, chosen)


def _value(drawn: Drawn) -> st.SearchStrategy[Any]:
    return st.one_of(_text(drawn), st.sampled_from(drawn.values)) if drawn.values else _text(drawn)


def _refers(drawn: Drawn, name: str, attribute: str) -> None:
    drawn.texts += [{"get_resource": name}, {"get_attr": [name, attribute]}]


def _fixed(draw: st.DrawFn, drawn: Drawn, name: str) -> dict[str, Any]:
    if draw(st.booleans()):
        value = draw(_text(drawn))
        _refers(drawn, name, "value")
    else:
        value = {"k": [draw(_value(drawn)), draw(_value(drawn))]}
        drawn.values.append({"get_attr": [name, "value", "k", 0]})
    return {"type": "OS::Heat::Value", "properties": {"value": value}}


def _random(draw: st.DrawFn, drawn: Drawn, name: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"length": draw(st.sampled_from([8, 9]))}
    if draw(st.booleans()):
        properties["salt"] = draw(_text(drawn))
    _refers(drawn, name, "value")
    return {"type": "OS::Heat::RandomString", "properties": properties}


def _probe(draw: st.DrawFn, drawn: Drawn, name: str) -> dict[str, Any]:
    if draw(st.integers(0, 2)) == 0:
        drawn.sizes.append({"get_attr": [name, "output"]})
        return {"type": "OS::Heat::TestResource", "properties": {"value": draw(st.sampled_from(["1", "2"]))}}
    properties: dict[str, Any] = {"value": draw(_text(drawn)), "update_replace": draw(st.booleans())}
    if draw(st.booleans()):
        properties["update_replace_value"] = draw(_text(drawn))
    _refers(drawn, name, "output")
    return {"type": "OS::Heat::TestResource", "properties": properties}


def _parameters(draw: st.DrawFn, drawn: Drawn) -> dict[str, Any]:
    given = {
        "word": draw(_text(drawn)),
        "secret": draw(st.one_of(st.sampled_from(INNER_SECRETS), _text(drawn))),
        "flag": draw(st.sampled_from([True, False, {"get_param": "flag"}])),
        "number": draw(st.sampled_from(drawn.sizes)),
    }
    return {key: each for key, each in given.items() if draw(st.booleans())}


def _template(draw: st.DrawFn, drawn: Drawn, name: str) -> dict[str, Any]:
    body = _file_with_parameters(draw, drawn)
    drawn.values.append({"get_attr": [name, "out"]})
    drawn.texts.append({"get_resource": name})
    return body


def _file_with_parameters(draw: st.DrawFn, drawn: Drawn) -> dict[str, Any]:
    depth = draw(st.integers(drawn.depth + 1, _DEEP - 1))
    return {"type": _file(depth), "properties": _parameters(draw, drawn)}


def _group(draw: st.DrawFn, drawn: Drawn, name: str) -> dict[str, Any]:
    if draw(st.booleans()):
        member = _file_with_parameters(draw, drawn)
        member["properties"]["word"] = "w%index%"
    else:
        text = {"list_join": ["%index%", ["member", draw(_text(drawn))]]}
        member = {"type": "OS::Heat::Value", "properties": {"value": text}}
    body: dict[str, Any] = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": draw(st.sampled_from(drawn.sizes)), "resource_def": member},
    }
    if draw(st.integers(0, 3)) == 0:
        pace = {"max_batch_size": 1, "min_in_service": draw(st.integers(0, 2))}
        body["update_policy"] = {"rolling_update": pace}
    asked = "value" if member["type"] == "OS::Heat::Value" else "out"
    drawn.values += [{"get_attr": [name, each]} for each in ("refs", "refs_map", asked)]
    return body
