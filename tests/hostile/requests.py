"""Requests that might stop, slow or break the server, by kind; `docs/testing.md` lists the kinds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any
from urllib.parse import quote

VERSION = "2018-08-31"
VALUE = "OS::Heat::Value"
GROUP = "OS::Heat::ResourceGroup"


@dataclass(frozen=True)
class Hostile:
    """One request. ``path`` is below the project; ``{stack}`` in it is the path of a stack that is there."""

    kind: str
    name: str
    method: str
    path: str
    body: bytes = b""
    token: bytes | None = None
    refused: bool | None = None
    """Whether it must be refused (True) or must succeed (False); None if either is right."""


def template(**sections: Any) -> dict[str, Any]:
    return {"heat_template_version": VERSION, **sections}


def value(content: Any = 1, **more: Any) -> dict[str, Any]:
    return {"type": VALUE, "properties": {"value": content}, **more}


def group(count: Any, definition: Any) -> dict[str, Any]:
    return {"type": GROUP, "properties": {"count": count, "resource_def": definition}}


def output(content: Any) -> dict[str, Any]:
    return {"outputs": {"o": {"value": content}}}


_SMALL = 2000

Made = Iterator[tuple[str, str, str, Any, bool | None]]
"""Name, method, path, body, whether it must be refused."""


def previewed(name: str, found: Any, refused: bool | None = True, **more: Any) -> Made:
    """A template to be previewed; to be validated too if it is small, instead if it may be accepted."""
    body = {"stack_name": "hostile", "template": found, **more}
    is_small = len(json.dumps(body)) < _SMALL
    if refused is not None or is_small:
        yield f"{name}, previewed", "POST", "/stacks/preview", body, refused
    if refused is None or is_small:
        yield f"{name}, validated", "POST", "/validate", {"template": found, **more}, None


# --- regular expressions ------------------------------------------------------------------------------

PATTERNS = (
    r"((\w|:)+)+\d$",
    r"(a+)+$",
    r"(.*)*x",
    r"(\w+\s?)*$",
    r"^(([a-zA-Z:])+.)+[0-9]$",
    r"(O|O|O)*!",
    r"(.|:)*(.|:)*!",
    r".*.*.*.*.*.*.*=",
    "a{99999999999999}",
    "a{1,99999999999}",
    "(" * 2000 + ")" * 2000,
    "(?:" * 900 + ")" * 900,
    "[" * 4000,
    "(?P<a>.)(?P=a)" * 100,
    "(a|b" + "|c" * 1500 + ")*$",
    "a" * 5000,
    "(?=.*)" * 300,
    r"(\w*)\1*\1*\1*!",
    "(((a{1,100}){1,100}){1,100}){1,100}",
    "(?i)(ſ|s)*$",
    "(?(1)a|b)",
    "*",
    "\\",
    "(?<=a+)b",
    "[z-a]",
)


def patterns() -> Made:
    for number, pattern in enumerate(PATTERNS):
        yield f"filter {number}", "GET", f"/resource_types?name={quote(pattern)}", None, None
        parameter = {
            "type": "string",
            "default": "a" * 60 + "!",
            "constraints": [{"allowed_pattern": pattern}],
        }
        yield from previewed(f"constraint {number}", template(parameters={"p": parameter}), None)


# --- yaql ---------------------------------------------------------------------------------------------

EXPRESSIONS = (
    "$.data =~ '(a+)+$'",
    "range(0, 200).select(range(0, 200).select(range(0, 200).sum()).sum()).sum()",
    "$.data.matches('(a|a)+$')",
    "'a' * 1000000000",
    "[1] * 100000000",
    "generate(1, true, $ * $)",
)


def expressions() -> Made:
    for number, expression in enumerate(EXPRESSIONS):
        call = {"yaql": {"expression": expression, "data": "a" * 40 + "!"}}
        outputs = {f"o{each}": {"value": call} for each in range(8)}
        body = {"stack_name": "hostile", "template": template(outputs=outputs)}
        if number % 2:
            yield f"8 outputs {number}", "POST", "/stacks/preview", body, False
        else:
            resources = {f"r{each}": value(call) for each in range(8)}
            yield (
                f"8 properties {number}",
                "POST",
                "/validate",
                {"template": template(resources=resources)},
                None,
            )
    for number, text in enumerate(
        ("(" * 3000, "$." * 4000, "[" * 400 + "]" * 400, "'" + "x" * 20_000 + "'", "$ $ $")
    ):
        yield from previewed(
            f"text {number}", template(**output({"yaql": {"expression": text, "data": 1}})), None
        )


# --- references ---------------------------------------------------------------------------------------


def references() -> Made:
    names = [f"resource{number}" for number in range(400)]
    missing = [f"resourse{number}" for number in range(399)]
    many = {name: value(depends_on=missing) for name in names[:60]}
    yield from previewed("60 times 399 unknown names in depends_on", template(resources=many))
    known = {name: value(depends_on=[each for each in names if each != name]) for name in names[:60]}
    yield from previewed(
        "60 times 399 names in depends_on", template(resources=known | {n: value() for n in names[60:]})
    )
    for function in ("get_resource", "get_param", "get_file"):
        unknown = {name: value({function: f"{name}x"}) for name in names}
        yield from previewed(f"400 unknown names in {function}", template(resources=unknown))
    yield from previewed(
        "900 unknown names in one property",
        template(resources={"a": value([{"get_resource": f"x{n}"} for n in range(900)])}),
    )
    attributes = {f"o{n}": {"value": {"get_attr": [f"lost{n}", "value"]}} for n in range(900)}
    yield from previewed(
        "900 unknown names in outputs", template(resources={n: value() for n in names}, outputs=attributes)
    )
    yield from previewed(
        "900 unknown attributes",
        template(
            resources={"a": value()},
            outputs={f"o{n}": {"value": {"get_attr": ["a", f"valu{n}"]}} for n in range(900)},
        ),
    )
    yield from previewed(
        "900 unknown types", template(resources={f"r{n}": {"type": f"OS::Heat::Valu{n}"} for n in range(900)})
    )
    yield from previewed(
        "900 unknown properties",
        template(
            resources={"a": {"type": "OS::Nova::Server", "properties": {f"nam{n}": 1 for n in range(900)}}}
        ),
    )
    yield from previewed(
        "900 unknown conditions", template(resources={f"r{n}": value(condition=f"c{n}") for n in range(900)})
    )
    yield from previewed(
        "900 unknown keys", template(resources={"a": value(**{f"typ{n}": 1 for n in range(900)})})
    )
    yield from previewed("900 unknown sections", template(**{f"resource{n}s": {} for n in range(900)}))
    yield from previewed(
        "900 unknown functions",
        template(outputs={f"o{n}": {"value": {f"get_parm{n}": 1}} for n in range(900)}),
        None,
    )
    parameters = {f"p{n}": "x" for n in range(900)}
    yield from previewed(
        "900 unknown parameters",
        template(parameters={f"q{n}": {"type": "string", "default": ""} for n in range(500)}),
        parameters=parameters,
    )
    circles = {f"r{n}": value(depends_on=f"r{n ^ 1}") for n in range(900)}
    yield from previewed("450 circles", template(resources=circles))
    dense = {f"r{n}": value(depends_on=[f"r{m}" for m in range(n)] + ["lost"]) for n in range(250)}
    yield from previewed("all depend on all before them", template(resources=dense))
    long = {"x" * 5000 + str(n): value({"get_resource": "x" * 5000 + f"y{n}"}) for n in range(30)}
    yield from previewed("names of 5,000 characters", template(resources=long))
    conditions = {f"c{n}": {"and": [f"c{n - 1}", f"c{n - 1}"]} if n else True for n in range(300)}
    yield from previewed("conditions that double", template(conditions=conditions), None)


# --- groups and nested templates ----------------------------------------------------------------------


def groups() -> Made:
    wide = {"type": VALUE, "properties": {"value": ["%index%"] * 400}}
    for count in (100_000, 10_000_000, 10**30, 2000, "100000", 1e9):
        yield from previewed(f"{count} members", template(resources={"g": group(count, wide)}))
    yield from previewed("-1 members", template(resources={"g": group(-1, wide)}))
    inner: Any = wide
    for depth in range(1, 8):
        inner = {
            "type": GROUP,
            "properties": {"count": 30, "index_var": f"%i{depth}%", "resource_def": inner},
        }
        if depth in (2, 3, 7):
            refused = True if depth > 2 else None
            yield from previewed(f"30 members, {depth} deep", template(resources={"g": inner}), refused)
    text = {"type": VALUE, "properties": {"value": "%index%" * 20_000}}
    yield from previewed("1,000 members of 140,000 characters", template(resources={"g": group(1000, text)}))
    yield from previewed(
        "900 groups of 900", template(resources={f"g{n}": group(900, wide) for n in range(900)})
    )
    rows = json.dumps(template(resources={}, outputs={f"o{n}": {"value": [n] * 20} for n in range(1500)}))
    leaf = {"type": "leaf.yaml"}
    yield from previewed(
        "900 members with a large template",
        template(resources={"g": group(900, leaf)}),
        files={"leaf.yaml": rows},
    )
    files = {
        f"t{n}.yaml": json.dumps(template(resources={f"r{m}": {"type": f"t{n + 1}.yaml"} for m in range(8)}))
        for n in range(6)
    }
    yield from previewed(
        "8 templates in 8 templates in 8",
        template(resources={"a": {"type": "t0.yaml"}}),
        files={**files, "t6.yaml": json.dumps(template(resources={"v": value()}))},
    )
    loop = {
        "a.yaml": json.dumps(template(resources={"b": {"type": "b.yaml"}})),
        "b.yaml": json.dumps(template(resources={"a": {"type": "a.yaml"}})),
    }
    yield from previewed("templates in a circle", template(resources={"a": {"type": "a.yaml"}}), files=loop)
    policy = {"batch_create": {"max_batch_size": 1}, "rolling_update": {"max_batch_size": 1}}
    yield from previewed(
        "50,000 members in batches",
        template(resources={"g": {**group(50_000, wide), "update_policy": policy}}),
    )


# --- functions that multiply --------------------------------------------------------------------------


def functions() -> Made:
    hundred = [str(number) for number in range(100)]
    four = {"repeat": {"template": "%a%%b%%c%%d%", "for_each": {f"%{key}%": hundred for key in "abcd"}}}
    two = {"repeat": {"template": ["%a%"] * 40, "for_each": {"%a%": hundred, "%b%": hundred}}}
    doubled: Any = "x" * 1000
    for _ in range(40):
        doubled = {"list_join": ["", [doubled, doubled]]} if len(json.dumps(doubled)) < 100_000 else doubled
    long = {"str_replace": {"template": "a" * 100_000, "params": {"a": "b" * 100_000}}}
    many = {
        "str_replace": {
            "template": "abc" * 30_000,
            "params": {f"{a}{b}{c}": "x" for a, b, c in product("abc0123456", repeat=3)},
        }
    }
    concat = {"list_concat": [{"repeat": {"template": "%a%", "for_each": {"%a%": hundred}}}] * 2000}
    split = {"str_split": ["a", "a" * 100_000]}
    calls = {
        "repeat of four lists": four,
        "repeat of two lists": two,
        "doubled text": doubled,
        "long replacement": long,
        "1,000 replacements": many,
        "2,000 lists": concat,
        "100,000 parts": split,
    }
    for name, call in calls.items():
        yield from previewed(name, template(**output(call)), None)
        yield from previewed(
            f"{name}, many times",
            template(resources={f"r{n}": value(call) for n in range(60)})
            if len(json.dumps(call)) < 4000
            else template(resources={f"r{n}": value(call) for n in range(3)}),
            None,
        )
    big = {"type": "json", "default": {f"k{n}": [n] * 20 for n in range(2000)}}
    copies = {f"o{n}": {"value": {"get_param": "p"}} for n in range(2000)}
    yield from previewed(
        "2,000 copies of a large parameter", template(parameters={"p": big}, outputs=copies), None
    )


# --- documents ----------------------------------------------------------------------------------------


def documents() -> Made:
    head = f'heat_template_version: "{VERSION}"\n'
    bomb = "\n".join(
        [
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
            *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)),
        ]
    )
    merges = "\n".join(
        [
            "b0: &b0 {k0: 1}",
            *(f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 10)}], k{n}: 1}}" for n in range(1, 12)),
        ]
    )
    texts = {
        "aliases": head + bomb,
        "merged aliases": head + merges,
        "100,000 brackets": head + "a: " + "[" * 100_000,
        "100,000 braces": "{" * 100_000,
        "100,000 keys": head + "\n".join(f"k{n}: 1" for n in range(40_000)),
        "one key 40,000 times": head + "resources: {a: 1}\n" * 20_000,
        "long scalar": head + "description: " + "x" * 600_000,
        "many quotes": head + 'a: "' + "\\n" * 200_000 + '"',
        "60,000 comments": head + "# x\n" * 60_000 + "a: 1",
        "60 parts base 60": head + "a: " + ":".join(["1"] * 5000),
        "huge number": head + "a: " + "9" * 100_000,
        "tags": head + "a: !!python/object/apply:os.system [x]",
        "binary": head + "a: !!binary " + "QUJD" * 50_000,
        "recursive alias": head + "a: &a [*a]",
        "block of dashes": head + "a:\n" + "- " * 5000 + "x",
        "deep blocks": head + "\n".join(" " * n + "a:" for n in range(3000)),
        "null characters": head + "\x00" * 1000,
        "many documents": head + "---\n" * 10_000,
        "one line": head + "a: {" + "a: 1, " * 50_000 + "}",
        "surrogates": '{"heat_template_version": "\\ud800"}',
    }
    for name, text in texts.items():
        yield from previewed(name, text)
    for name in ("aliases", "100,000 brackets", "100,000 keys", "recursive alias"):
        body = {"stack_name": "hostile", "template": template(), "environment": texts[name]}
        yield f"environment of {name}", "POST", "/stacks/preview", body, True


# --- queries ------------------------------------------------------------------------------------------


def queries() -> Made:
    for count in (1500, 5000):
        for key in ("name", "status", "id", "tags", "sort_keys"):
            yield (
                f"{count} times {key}",
                "GET",
                "/stacks?" + "&".join(f"{key}=a{n}" for n in range(count)),
                None,
                True,
            )
    for key in ("name", "status", "tags", "not_tags_any", "sort_keys"):
        yield f"100 times {key}", "GET", "/stacks?" + "&".join(f"{key}=a{n}" for n in range(100)), None, None
        yield f"500 commas in {key}", "GET", f"/stacks?{key}=" + ",".join(["a"] * 500), None, None
    for path in ("{stack}/resources", "{stack}/events", "/resource_types", "/stacks"):
        yield f"20,000 characters to {path}", "GET", f"{path}?name=" + "a" * 20_000, None, None
        yield (
            f"2,000 unknown names to {path}",
            "GET",
            f"{path}?" + "&".join(f"x{n}=1" for n in range(2000)),
            None,
            None,
        )
        yield f"limits to {path}", "GET", f"{path}?limit=" + "9" * 4000, None, None
    for tail in (
        "nested_depth=999999999",
        "nested_depth=-1",
        "limit=0",
        "marker=%00",
        "%00=%00",
        "&" * 10_000,
    ):
        yield f"resources?{tail[:30]}", "GET", f"{{stack}}/resources?{tail}", None, None


# --- signals ------------------------------------------------------------------------------------------


def signals() -> Made:
    path = "{stack}/resources/handle/signal"
    for depth in (150, 201, 1000, 5000, 100_000):
        yield (
            f"{depth} deep",
            "POST",
            path,
            b'{"a":' + b"[" * depth + b"]" * depth + b"}",
            depth > 200 or None,
        )
        yield f"{depth} maps deep", "POST", path, b'{"a":' * depth + b"1" + b"}" * depth, depth > 200 or None
    for number in range(6):
        body = {"status": "SUCCESS", "reason": "r", "data": "x" * 400_000, "id": str(number)}
        yield f"400,000 characters, number {number}", "POST", path, body, None
    for name, body in (
        ("a list", b"[]"),
        ("nothing", b""),
        ("a number", b"7"),
        ("a word", b'"x"'),
        ("wrong keys", b'{"a": 1}'),
    ):
        yield name, "POST", path, body, None
    yield "2 MB", "POST", path, b'{"data": "' + b"x" * 2_000_000 + b'"}', True
    yield "a long hook", "POST", path, {"unset_hook": "x" * 100_000}, None
    yield "a value of a map", "POST", path, {"status": {}, "reason": [], "data": {}, "id": {}}, None


# --- reads of a stack whose outputs take long ---------------------------------------------------------


def reads() -> Made:
    for path in (
        "",
        "?resolve_outputs=true",
        "/outputs",
        "/outputs/slow0",
        "/outputs/wide",
        "/outputs/live",
        "/template",
        "/environment",
        "/files",
        "/resources?with_detail=true&nested_depth=5",
        "/resources/v?with_attr=show",
        "/events",
    ):
        yield f"stack{path}", "GET", f"{{stack}}{path}", None, False


# --- paths and other requests -------------------------------------------------------------------------


def paths() -> Made:
    for path in (
        "/stacks/" + "a" * 20_000,
        "/" + "a/" * 10_000,
        "/stacks/%ff%fe",
        "/stacks/" + "%2F" * 5000,
        "/..%2f" * 100,
        "/stacks/a/b/resources/" + "x" * 8000,
    ):
        for method in ("GET", "POST", "DELETE"):
            yield f"{method} {path[:20]}", method, path, None, True
    for name in ("a" * 300, "-" * 100_000, "\u0000", "a\n"):
        yield (
            f"stack name {name[:10]!r}",
            "POST",
            "/stacks",
            {"stack_name": name, "template": template()},
            True,
        )
    tags = ",".join(f"t{n}" for n in range(20_000))
    yield (
        "20,000 tags",
        "POST",
        "/stacks/preview",
        {"stack_name": "a", "template": template(), "tags": tags},
        None,
    )
    files = {f"f{n}.yaml": "x" for n in range(30_000)}
    yield (
        "30,000 files",
        "POST",
        "/stacks/preview",
        {"stack_name": "a", "template": template(), "files": files},
        None,
    )
    environment = {
        "resource_registry": {f"A::B::{'*' * (n % 7)}C{n}": f"A::B::C{n + 1}" for n in range(5000)}
    }
    body = {
        "stack_name": "a",
        "template": template(resources={"a": {"type": "A::B::C0"}}),
        "environment": environment,
    }
    yield "5,000 mappings in a row", "POST", "/stacks/preview", body, True
    names = [f"e{n}" for n in range(3000)]
    body = {
        "stack_name": "a",
        "template": template(),
        "files": dict.fromkeys(names, "parameters: {}"),
        "environment_files": names,
    }
    yield "3,000 environment files", "POST", "/stacks/preview", body, None


def tokens() -> Iterator[Hostile]:
    for token in (
        b"\xe9\xe9",
        b"\xff" * 50,
        b"a b",
        b"x" * 20_000,
        b"x" * 40_000,
        b"../..",
        b"%00",
        b"gAAAAA" + b"A" * 500,
    ):
        yield Hostile("tokens", repr(token[:10]), "GET", "/stacks", token=token, refused=True)
        yield Hostile(
            "tokens",
            f"{token[:10]!r}, body",
            "POST",
            "/stacks",
            body=b"{" * 500_000,
            token=token,
            refused=True,
        )


KINDS: dict[str, Callable[[], Made]] = {
    "patterns": patterns,
    "yaql": expressions,
    "references": references,
    "groups": groups,
    "functions": functions,
    "documents": documents,
    "queries": queries,
    "signals": signals,
    "reads": reads,
    "paths": paths,
}


@cache
def hostile_requests() -> tuple[Hostile, ...]:
    """All of them."""
    return tuple(_all())


def _all() -> Iterator[Hostile]:
    for kind, make in KINDS.items():
        for name, method, path, body, refused in make():
            raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            yield Hostile(kind, name, method, path, raw, refused=refused)
    yield from tokens()
