"""Malformed, enormous and contradictory requests are refused, quickly, and break nothing."""

from __future__ import annotations

import json
import resource
import tracemalloc
from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackd.app import Parts
from stackd.resources.registry import load_registry
from tests.routers.conftest import Api
from tests.routers.malformed import EMPTY, HEAD, VERSION, WORD, malformed, resources
from tests.support.counting import counted_with_threads
from tests.support.waiting import worker_time

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTES = ("/stacks", "/stacks/preview", "/validate")
JSON = {"Content-Type": "application/json"}
FORMS = ({"code", "title", "explanation", "error"}, {"error"}, {"message", "code", "title"})
"""The keys of the three forms of an error: of handlers, of the token check, and of paths."""


def told(answer: httpx.Response) -> Any:
    """The body of a refusal, which has one of the forms and a reason."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:500])
    body = answer.json()
    assert set(body) in FORMS, body
    error = body.get("error")
    if error and "type" in error:
        assert body["code"] == answer.status_code
        assert error["traceback"] is None
        assert error["type"]
    return body


def nested(depth: int, value: Any = 1) -> Any:
    for _ in range(depth):
        value = [value]
    return value


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(api: Api) -> str:
    """The path of a stack that is there."""
    template = resources(word=WORD, value={"type": "OS::Heat::Value", "properties": {"value": 1}})
    return await api.create("target", template)


async def raw(api: Api, method: str, path: str, body: bytes) -> httpx.Response:
    headers = {"X-Auth-Token": api.token, **JSON}
    return await api.raw(method, f"/v1/{api.project}{path}", content=body, headers=headers)


# --- templates ------------------------------------------------------------------------------------

MALFORMED = list(malformed())


def wrongly_answered(answer: httpx.Response, *, may_pass: bool = False) -> bool:
    """Whether an answer is neither a refusal nor (where that may be) a success."""
    if may_pass and answer.is_success:
        return False
    return not 400 <= answer.status_code < 500 or set(answer.json()) not in FORMS


async def test_malformed_templates_are_refused(api: Api) -> None:
    assert len(MALFORMED) >= 200
    wrong = []
    for number, template in enumerate(MALFORMED):
        body = {"stack_name": f"bad{number}", "template": template}
        previewed = await api.call("POST", "/stacks/preview", body)
        validated = await api.call("POST", "/validate", {"template": template})
        if wrongly_answered(previewed) or wrongly_answered(validated, may_pass=True):
            wrong.append((template, previewed.status_code, validated.status_code))
        elif number % 2:
            told(await api.call("POST", "/stacks", body))
    assert wrong == []
    assert all(not stack["stack_name"].startswith("bad") for stack in (await api.get("/stacks"))["stacks"])


async def test_updates_with_malformed_templates_are_refused(api: Api, stack: str) -> None:
    for template in MALFORMED[::5]:
        told(await api.call("PUT", stack, {"template": template}))
        if template is not None:
            told(await api.call("PATCH", stack, {"template": template}))
            told(await api.call("PUT", f"{stack}/preview", {"template": template}))
    assert (await api.get(stack))["stack"]["stack_status"] == "CREATE_COMPLETE"


# --- values of the wrong type -----------------------------------------------------------------------

_VALUES: tuple[Any, ...] = (
    None, True, -1, 1.5, 2**70, 1e308,
    "", "x", "\x00", "é" * 300, [], [None], [[1]], [{}], {}, {"a": {"b": [None]}},
    {"": ""}, [{"a": [{"b": {}}]}], {"get_attr": ["other", "value"]}, {"get_param": "open"},
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(load_registry().types))
async def test_properties_of_any_type_never_break_a_preview(api: Api, parts: Parts, name: str) -> None:
    schema = parts.engine.services.registry.types[name].properties.schema
    for at in range(0, len(_VALUES), 5):
        values = _VALUES[at : at + 5]
        forms: list[Any] = [value for value in values if isinstance(value, dict)]  # others fail for all types
        for value in values:
            forms += (dict.fromkeys(schema, value), {key: [{"a": value}] for key in schema})
        wrong = {f"r{number}": {"type": name, "properties": form} for number, form in enumerate(forms)}
        template = {
            **resources(other=WORD, **wrong),
            "parameters": {"open": {"type": "json", "default": {}}},
        }
        answer = await api.call("POST", "/stacks/preview", {"stack_name": "x", "template": template})
        assert answer.status_code < 500, (wrong, answer.text)


async def test_length_that_is_not_known_yet_is_no_error(api: Api) -> None:
    word = {**WORD, "properties": {"length": {"get_attr": ["number", "value"]}}}
    number = {"type": "OS::Heat::Value", "properties": {"value": 9}}
    body = {"stack_name": "open", "template": resources(word=word, number=number)}
    assert (await api.call("POST", "/stacks/preview", body)).status_code == 200


# --- bodies -----------------------------------------------------------------------------------------

_BODIES: tuple[bytes, ...] = (
    b"", b" ", b"{", b"[]", b"null", b"7", b'"a"', b"{]", b"\x00", b"\xff\xfe", b'{"stack_name": "\\ud800"}',
    b'{"stack_name": NaN}', b'{"template": ' + b"[" * 5000, b'{"a": ' * 50000, b"{" + b"9" * 5000 + b"}",
    b'{"stack_name": "a", "template": ' + b"[" * 1500 + b"]" * 1500 + b"}", b'{"a": 1e999999}',
    b'{"stack_name": "a", "timeout_mins": ' + b"9" * 4000 + b', "template": {}}', b"{'a': 1}", b"{}x",
)  # fmt: skip

_FIELDS: Mapping[str, tuple[Any, ...]] = {
    "stack_name": (None, 7, [], {}, "", "1a", "a b", "a\x00", "a/b", "é", "a" * 256, "\U0001f600", "a\n"),
    "environment": (
        7,
        [],
        "[",
        "a: b: c",
        {"parameters": 7},
        {"unheard": {}},
        {"resource_registry": [1]},
        "\x00",
    ),
    "files": (7, [], "x", {"a": 1}, {"a": None}, {"a": []}),
    "environment_files": (7, "x", {}, ["missing"], [1], [None]),
    "files_container": (
        7,
        [],
        {},
        "",
        ".",
        "..",
        "a/b",
        "../x",
        "é",
        "a\x00b",
        "?x=y",
        "#",
        "%2e%2e",
        "no-such",
    ),
    "template_url": (7, [], {}),
    "parameters": (None, 7, [], "x", {"unheard": 1}),
    "timeout_mins": ("x", -1, 1.5, True, [], {}, 2**31, 10**30, "9" * 400, "1e3"),
    "disable_rollback": (7, "maybe", [], {}, None),
    "tags": (7, {}, [1], [None], "a" * 81, ["a" * 81], "a\x00b", ["\x00"]),
}


async def test_malformed_bodies_are_refused(api: Api, stack: str) -> None:
    for body in _BODIES:
        for method, path in (
            *(("POST", route) for route in ROUTES),
            ("PUT", stack),
            ("POST", f"{stack}/actions"),
            ("PATCH", f"{stack}/resources/word"),
        ):
            told(await raw(api, method, path, body))
        assert (await raw(api, "POST", f"{stack}/resources/word/signal", body)).status_code < 500
        assert (await raw(api, "PATCH", f"{stack}/preview", body)).status_code < 500


@pytest.mark.parametrize("field", _FIELDS)
async def test_fields_of_the_wrong_type_are_refused(api: Api, stack: str, field: str) -> None:
    for value in _FIELDS[field]:
        body = {"stack_name": "fields", "template": EMPTY, field: value}
        told(await api.call("POST", "/stacks", body))
        told(await api.call("POST", "/stacks/preview", body))
        if field != "stack_name":
            told(await api.call("PUT", stack, body))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "\x00",
        "http://",
        "http://\x00",
        "http://[",
        "http://h:x/",
        "http://\ud800/",
        "http://" + "h" * 300,
        "http://" + "h." * 5000,
        "http://h/" + "x" * 100_000,
        "//127.0.0.1/x",
        "http:127.0.0.1",
        "HTTP://127.0.0.1:9/",
        "https://127.0.0.1:9/",
        "http://xn--zz--/",
        "jar:http://127.0.0.1!/x",
    ],
)
async def test_urls_of_any_form_are_refused(api: Api, stack: str, url: str) -> None:
    body = json.dumps({"stack_name": "fields", "template_url": url}).encode()
    for method, path in (("POST", "/stacks"), ("POST", "/validate"), ("PUT", stack), ("PATCH", stack)):
        told(await raw(api, method, path, body))
    nested = {"stack_name": "fields", "template": resources(a={"type": f"{url}.yaml"})}
    told(await raw(api, "POST", "/stacks", json.dumps(nested).encode()))


async def test_names_with_null_characters_are_refused(api: Api) -> None:
    for template in (
        resources(**{"a\x00b": WORD}),
        resources(a={**WORD, "type": "OS::Heat\x00"}),
    ):
        told(await api.call("POST", "/stacks", {"stack_name": "null", "template": template}))


async def test_numbers_beyond_every_size_do_not_break_anything(api: Api) -> None:
    huge = "9" * 400
    for number in (
        huge,
        f"-{huge}",
        "0x" + "f" * 100,
        "1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7",
        "9" * 5000,
        "2e9999",
        "18446744073709551616",
    ):
        text = f"{HEAD}outputs: {{a: {{value: {number}}}}}\n"
        for path in ROUTES:
            name = f"n{abs(hash(number))}"
            answer = await api.call("POST", path, {"stack_name": name, "template": text})
            assert answer.status_code < 500, (number, answer.text)
    group = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 10**8, "resource_def": WORD}}
    told(await api.call("POST", "/stacks/preview", {"stack_name": "many", "template": resources(g=group)}))


async def test_signals_actions_and_queries_of_any_shape_are_answered(api: Api, stack: str) -> None:
    for body in (
        {},
        {"a": 1},
        {"check": None, "resume": None},
        {"": ""},
        {"cancel_update": 1, "x": 2},
        {"\x00": 1},
    ):
        told(await api.call("POST", f"{stack}/actions", body))
    shapes: tuple[Any, ...] = (
        {"unset_hook": []},
        {"unset_hook": 7},
        {"a": nested(90)},
        {"current": 1, "previous": []},
    )
    for details in shapes:
        told(await api.call("POST", f"{stack}/resources/word/signal", details))
    for query in (
        "limit=x", "limit=-1", "limit=1.5", "limit=%00", "sort_dir=up", "show_deleted=maybe", "show_nested=2",
        "with_count=x", "global_tenant=7", "show_hidden=%ff",
    ):  # fmt: skip
        told(await api.call("GET", f"/stacks?{query}"))
    for query in ("nested_depth=x", "nested_depth=-1", "unheard=1", "with_detail=x"):
        told(await api.call("GET", f"{stack}/resources?{query}"))
    for query in (
        "limit=" + "9" * 500, "marker=%00", "name=%00", "tags=%00", "sort_keys=%00", "id=%ff", "status=_",
        "timeout_mins=" + "9" * 5000, "%ff=%fe", "&&&", "name=" + "a" * 5000,
    ):  # fmt: skip
        assert (await api.call("GET", f"/stacks?{query}")).status_code == 200, query


@pytest.mark.parametrize(
    "path",
    [
        "/stacks/%00",
        "/stacks/%ff",
        "/stacks/a%2Fb",
        "/stacks/a/%00",
        "/stacks/é/é",
        "/resource_types/%00",
        "/stacks/" + "a" * 5000,
        "/" + "a/" * 500,
        "/stacks//",
    ],
)
async def test_paths_that_lead_nowhere_are_refused(api: Api, path: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
        told(await api.call(method, path))


# --- what Hypothesis thinks of ----------------------------------------------------------------------

_text = st.text(max_size=8) | st.sampled_from(
    ["\x00", "get_param", "get_attr", "if", "yaql", "type", "OS::Heat::Value"]
)
_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text
)
_data = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=12,
)
_definitions = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["OS::Heat::Value", "OS::Heat::RandomString", "OS::Heat::ResourceGroup", "OS::Heat::None"]
        )
    },
    optional={
        "properties": st.dictionaries(
            st.sampled_from(["value", "length", "count", "resource_def", "type"]), _data
        ),
        "metadata": _data,
        "depends_on": _data,
        "condition": _data,
        "update_policy": _data,
    },
)
_templates = st.fixed_dictionaries(
    {"heat_template_version": st.sampled_from([VERSION, "2013-05-23", "rocky"])},
    optional={
        "parameters": st.dictionaries(_text, _data, max_size=2) | _data,
        "resources": st.dictionaries(_text, _definitions | _data, max_size=3),
        "outputs": st.dictionaries(_text, st.fixed_dictionaries({"value": _data}) | _data, max_size=2),
        "conditions": st.dictionaries(_text, _data, max_size=2),
        "parameter_groups": _data,
        "description": _data,
    },
)
_requests = st.fixed_dictionaries(
    {"template": _templates | _data},
    optional={"stack_name": _text, "environment": _data, "parameters": _data, "files": _data, "tags": _data},
)


def fuzzed(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """As many examples, the same in every run."""
    found: list[Any] = []

    @settings(max_examples=count, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found


async def test_fuzzed_requests_never_break_the_server(api: Api, stack: str) -> None:
    refused = 0
    for number, request in enumerate(fuzzed(_requests, 250)):
        try:
            body = orjson.dumps({"stack_name": "fuzz", **request})
        except TypeError:  # a number that JSON's readers do not agree on
            continue
        for method, path in (
            ("POST", ROUTES[1 + number % 2]),
            (("PUT", "PATCH")[number % 2], f"{stack}/preview"),
        ):
            answer = await raw(api, method, path, body)
            assert answer.status_code < 500, (body, answer.text)
            if answer.status_code >= 400:
                told(answer)
                refused += 1
    assert refused >= 200


# --- the enormous -----------------------------------------------------------------------------------


def alias_bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return HEAD + "\n".join(lines) + "\n"


_ENORMOUS: Mapping[str, Any] = {
    "alias bomb": alias_bomb(),
    "600 KB": HEAD + "description: " + "x" * 600_000,
    "600 KB of data": {**EMPTY, "description": "x" * 600_000},
    "100 levels": {**EMPTY, "outputs": {"a": {"value": nested(100)}}},
    "100 levels of text": HEAD + "outputs: {a: {value: " + "[" * 100 + "]" * 100 + "}}",
    "100,000 levels of text": HEAD + "outputs: " + "[" * 100_000,
    "nested repeats": resources(a={"type": "OS::Heat::Value", "properties": {"value": {"repeat": {
        "template": "%a%%b%%c%%d%",
        "for_each": {f"%{key}%": list(map(str, range(100))) for key in "abcd"}}}}}),
    "a pattern that never ends": {**EMPTY, "parameters": {"p": {
        "type": "string", "default": "a" * 40 + "!", "constraints": [{"allowed_pattern": "(a+)+$"}]}}},
}  # fmt: skip


@pytest.mark.parametrize("what", _ENORMOUS)
async def test_enormous_templates_are_refused_in_few_steps_and_little_memory(api: Api, what: str) -> None:
    body = orjson.dumps({"stack_name": "big", "template": _ENORMOUS[what]})
    for path in ROUTES:
        tracemalloc.start()
        try:
            with worker_time(0.2), counted_with_threads() as steps:
                answer = await raw(api, "POST", path, body)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert steps.count < 1_000_000, path
        assert peak < 40_000_000, path
        if path != "/validate":
            told(answer)
        assert answer.status_code < 500


async def test_body_of_10_megabytes_is_refused_unread(api: Api) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        for _ in range(160):
            sent += 65_536
            yield b'{"a":"' + b"x" * 65_530

    headers = {"X-Auth-Token": api.token, **JSON}
    for path in ROUTES:
        with counted_with_threads() as steps:
            answer = await api.raw(
                "POST", f"/v1/{api.project}{path}", content=b"{" * 10_485_760, headers=headers
            )
            streamed = await api.raw("POST", f"/v1/{api.project}{path}", content=endless(), headers=headers)
        assert steps.count < 100_000
        assert told(answer)["error"]["type"] == told(streamed)["error"]["type"] == "RequestLimitExceeded"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


# --- counts, before anything is built -----------------------------------------------------------------


async def test_filters_have_a_number_of_values_at_most(api: Api) -> None:
    for name in ("name", "status", "id", "tags", "sort_keys"):
        for join in ("&" + name + "=", ","):
            path = f"/stacks?{name}={join.join(['a'] * 101)}"
            status, _, message = await api.refused("GET", path)
            if name in ("tags", "sort_keys") or join != ",":
                assert (status, "101 values" in message) == (400, True)
        assert (await api.call("GET", f"/stacks?{name}=" + f"&{name}=".join(["a"] * 100))).status_code == 200
    status, _, message = await api.refused("GET", "/stacks?name=" + "a" * 17_000)
    assert (status, "16384" in message) == (400, True)


async def test_patterns_that_take_too_long_are_refused_and_other_ones_match(api: Api) -> None:
    for pattern in (r"((\w|:)%2B)%2B\d$", "a{99999999999999}", "(" * 2000 + ")" * 2000, "a" * 5000):
        status, kind, message = await api.refused("GET", f"/resource_types?name={pattern}")
        assert (status, kind) == (400, "HTTPBadRequest"), message
    found = await api.get("/resource_types?name=OS::Heat::V.*e$")
    assert found["resource_types"] == ["OS::Heat::Value"]


@pytest.mark.parametrize("token", [b"\xe9\xe9", b"\xff", "漢字".encode(), b"a b", b"x" * 20_000])
async def test_token_that_is_none_is_refused_without_asking(api: Api, token: bytes) -> None:
    answer = await api.raw("GET", f"/v1/{api.project}/stacks", headers={b"X-Auth-Token": token})
    assert answer.status_code == 401


async def test_members_of_a_group_are_counted_before_they_are_made(api: Api) -> None:
    wide = {"type": "OS::Heat::Value", "properties": {"value": ["%index%"] * 400}}
    for count, definition in ((100_000, wide), (1000, {**wide, "properties": {"value": "%index%" * 9000}})):
        group = {
            "type": "OS::Heat::ResourceGroup",
            "properties": {"count": count, "resource_def": definition},
        }
        tracemalloc.start()
        body = {"stack_name": "many", "template": resources(g=group)}
        status, kind, _ = await api.refused("POST", "/stacks/preview", body)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (status, kind) == (400, "RequestLimitExceeded")
        assert peak < 10_000_000


async def test_signals_of_a_resource_have_a_size_together(api: Api) -> None:
    path = await api.create("heard", resources(handle={"type": "OS::Heat::WaitConditionHandle"}))
    signal = f"{path}/resources/handle/signal"
    for number in range(2):
        assert (await api.call("POST", signal, {"id": number, "data": "x" * 400_000})).status_code == 200
    status, kind, message = await api.refused("POST", signal, {"id": 3, "data": "x" * 400_000})
    assert (status, kind) == (400, "RequestLimitExceeded"), message
    assert (await api.call("POST", signal, {"id": 4, "data": "x"})).status_code == 200
    for wrong in ({"wrong": 1}, {"status": "MAYBE"}, {"status": {}}):
        assert (await api.refused("POST", signal, wrong))[0] == 400
    for depth in (300, 1000):
        assert (
            await raw(api, "POST", signal, b'{"data":' + b"[" * depth + b"]" * depth + b"}")
        ).status_code == 400
