"""Templates out of thin air: values of the language for Hypothesis, sound, doubtful and mad ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from stackd.template import VERSIONS

PARAMETERS: dict[str, dict[str, Any]] = {
    "s": {"type": "string", "default": "a b"},
    "n": {"type": "number", "default": 2},
    "l": {"type": "comma_delimited_list", "default": "a,b"},
    "j": {"type": "json", "default": {"a": {"b": [1, "x", None]}, "c": "d"}},
    "b": {"type": "boolean", "default": True},
}
RESOURCES = ("r", "t")
ATTRIBUTES = ("value", "show", "nothing")
CONDITIONS = ("yes", "no", "maybe")

TEXT = st.text("abc .,:-%$<é\0€", max_size=5) | st.sampled_from(
    [
        *PARAMETERS,
        *RESOURCES,
        *CONDITIONS,
        *ATTRIBUTES,
        "template",
        "params",
        "true",
        "0",
        "-1",
        "md5",
        "/",
        "a b",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 5)
    | st.sampled_from([10**30, -(2**70), 1.5, -0.0, float("inf")])
    | TEXT
)
KEYS = TEXT | st.sampled_from(
    ["get_param", "for_each", "permutations", "keys", "values", "host", "port", "path", "query", "scheme"]
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def _slow(name: str) -> bool:
    """Whether a function asks another process, which is tested elsewhere and takes its time."""
    return name == "yaql"


FUNCTIONS = sorted({name for version in VERSIONS.values() for name in version.recognised if not _slow(name)})
CONDITION_FUNCTIONS = sorted(
    {name for version in VERSIONS.values() for name in version.recognised_in_conditions if not _slow(name)}
)


def _one(key: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({key: value})


def _form(name: str, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arguments of about the right shape for a function."""
    texts = st.lists(inner, max_size=3)
    table = st.dictionaries(TEXT, inner, max_size=2)
    reference = st.tuples(st.sampled_from(RESOURCES), st.sampled_from(ATTRIBUTES)).map(list)
    replacing = st.fixed_dictionaries({"template": inner, "params": table})
    forms: dict[str, st.SearchStrategy[Any]] = {
        "get_param": st.sampled_from([*PARAMETERS])
        | st.tuples(st.sampled_from([*PARAMETERS]), inner).map(list),
        "get_resource": st.sampled_from(RESOURCES),
        "get_attr": reference | st.tuples(reference, inner).map(lambda pair: [*pair[0], pair[1]]),
        "list_join": st.tuples(TEXT, texts).map(list) | st.tuples(TEXT, texts, texts).map(list),
        "str_split": st.tuples(TEXT, inner).map(list),
        "str_replace": replacing,
        "str_replace_strict": replacing,
        "str_replace_vstrict": replacing,
        "repeat": st.fixed_dictionaries({"template": inner, "for_each": table}),
        "map_merge": texts,
        "map_replace": st.tuples(inner, st.fixed_dictionaries({"keys": table, "values": table})).map(list),
        "list_concat": texts,
        "list_concat_unique": texts,
        "filter": st.tuples(texts, texts).map(list),
        "contains": st.tuples(inner, texts).map(list),
        "digest": st.tuples(st.just("sha256"), inner).map(list),
        "make_url": st.fixed_dictionaries({"host": inner}, optional={"path": inner, "query": table}),
        "if": st.tuples(st.sampled_from(CONDITIONS), inner, inner).map(list),
        "equals": st.tuples(inner, inner).map(list),
        "and": texts,
        "or": texts,
        "Ref": st.sampled_from([*PARAMETERS, *RESOURCES]),
        "Fn::GetAtt": reference,
        "Fn::Join": st.tuples(TEXT, texts).map(list),
        "Fn::Select": st.tuples(inner, texts | table).map(list),
        "Fn::Split": st.tuples(TEXT, inner).map(list),
        "Fn::If": st.tuples(st.sampled_from(CONDITIONS), inner, inner).map(list),
        "Fn::Equals": st.tuples(inner, inner).map(list),
        "Fn::Replace": st.tuples(table, inner).map(list),
    }
    return _one(name, forms.get(name, inner) | inner) if name in forms else _one(name, inner)


def _calls(names: list[str], inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(names).flatmap(lambda name: _form(name, inner))


def values(names: list[str] = FUNCTIONS, leaves: int = 8) -> st.SearchStrategy[Any]:
    """Values with functions inside, called rightly or wrongly."""
    return st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3) | _calls(names, inner)
        ),
        max_leaves=leaves,
    )


def _resource() -> st.SearchStrategy[Any]:
    body = {
        "type": st.sampled_from(
            ["OS::Heat::Value", "OS::Heat::RandomString", "OS::Neutron::Port", "No::Such"]
        ),
        "properties": st.dictionaries(
            st.sampled_from(["value", "length", "network", "x"]), values(), max_size=2
        ),
    }
    optional = {
        "metadata": values(),
        "depends_on": st.sampled_from(["r", "t", "x", ["r", "t"], [1], None]),
        "condition": values(CONDITION_FUNCTIONS, 4) | st.sampled_from(CONDITIONS),
        "deletion_policy": st.sampled_from(["Retain", "retain", "x", 1]) | values(leaves=3),
        "external_id": values(leaves=3),
        "update_policy": values(leaves=3),
    }
    return st.fixed_dictionaries(body, optional=optional) | values()


def templates() -> st.SearchStrategy[dict[str, Any]]:
    """Whole templates: of each dialect and version, some of whose parts make sense."""
    return st.builds(_template, st.sampled_from(sorted(VERSIONS)), _parts())


def _parts() -> st.SearchStrategy[dict[str, Any]]:
    conditions = st.dictionaries(
        st.sampled_from(CONDITIONS), values(CONDITION_FUNCTIONS, 5) | st.booleans(), max_size=3
    )
    outputs = st.dictionaries(TEXT, _one("value", values()) | values(leaves=2), max_size=2)
    return st.fixed_dictionaries(
        {"resources": st.dictionaries(st.sampled_from(RESOURCES), _resource(), max_size=2)},
        optional={"conditions": conditions, "outputs": outputs, "mappings": values(leaves=4)},
    )


def _template(version: str, parts: dict[str, Any]) -> dict[str, Any]:
    key, _, value = version.partition(".")
    if key == "heat_template_version":
        return {key: value, "parameters": PARAMETERS, **parts}
    return {
        key: value,
        "Parameters": {
            name: {"Type": "String", "Default": "a"} for name in PARAMETERS if name not in RESOURCES
        },
        **{name.capitalize(): _capital(part) for name, part in parts.items()},
    }


def _capital(part: Any) -> Any:
    """The keys of definitions as CloudFormation writes them."""
    if not isinstance(part, dict):
        return part
    written = {
        "depends_on": "DependsOn",
        "deletion_policy": "DeletionPolicy",
        "update_policy": "UpdatePolicy",
    }
    return {
        name: {written.get(key, key.capitalize()): value for key, value in body.items()}
        if isinstance(body, dict)
        else body
        for name, body in part.items()
    }
