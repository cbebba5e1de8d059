"""Templates that are named by URL: fetched before anything happens, and never needed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import select

from stackd.clients.addresses import AddressPolicy
from stackd.clients.catalog import Endpoint, urls_of
from stackd.clients.egress import Egress, EgressSettings, Origin, origin_of
from stackd.db import documents
from stackd.db.codec import from_json
from stackd.db.tables import metadata
from stackd.engine.definition.desired import load_source
from stackd.engine.definition.documents import load_files
from stackd.engine.usecases import access, validate
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.fetching import Container, Fetched, _object_store, completed, wanted_templates
from stackd.engine.usecases.queries import Reader
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import (
    BadRequest,
    CloudError,
    DownloadLimitExceeded,
    FetchFailed,
    MissingTemplate,
    StackdError,
    TemplateError,
)
from stackd.records import Action, Stack, Status
from stackd.resources.registry import load_registry
from stackd.settings import Egress as EgressSection
from stackd.settings import Limits
from stackd.template.files import NOT_SENT, Files
from tests.support.engine import Process, World, unless_dead
from tests.support.templates import hot
from tests.support.web import Site, website

REGISTRY = load_registry()
LOOPBACK = AddressPolicy.of(["127.0.0.1/32"])


def value(text: str) -> str:
    """A template with one value in it, which is its output."""
    return f"""
heat_template_version: 2021-04-16
parameters:
  suffix: {{type: string, default: ''}}
resources:
  inner:
    type: OS::Heat::Value
    properties: {{value: {{list_join: ['', [{text}, {{get_param: suffix}}]]}}}}
outputs:
  said: {{value: {{get_attr: [inner, value]}}}}
"""


def around(url: str) -> str:
    """A template with another one in it."""
    return f"""
heat_template_version: 2021-04-16
resources:
  deeper: {{type: '{url}'}}
outputs:
  said: {{value: {{get_attr: [deeper, said]}}}}
"""


def using(url: str, **properties: Any) -> dict[str, Any]:
    said = {"said": {"value": {"get_attr": ["nested", "said"]}}}
    return hot({"nested": {"type": url, "properties": properties}}, outputs=said)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with website() as made:
        yield made


@pytest.fixture
def reaching(stackd_world: World) -> World:
    """A world whose servers may fetch from loopback."""
    egress = EgressSection(allowed_networks=("127.0.0.1/32",), timeout=2.0)
    stackd_world.settings = stackd_world.settings.model_copy(update={"egress": egress})
    return stackd_world


@pytest_asyncio.fixture
async def process(reaching: World) -> AsyncIterator[Process]:
    async with reaching.process() as made:
        yield made


async def files_of(process: Process, stack: Stack) -> dict[str, str]:
    current = await process.stack(stack)
    return await load_files(process.db, current.project_id, current.definition.files)


async def complete(process: Process, stack: Stack, action: Action = Action.CREATE) -> Stack:
    ended = await process.done(stack)
    assert (ended.action, ended.status) == (action, Status.COMPLETE), ended.reason
    return ended


async def refused(process: Process, template: Any, **options: Any) -> StackdError:
    with pytest.raises(StackdError) as caught:
        await process.create("refused", template, **options)
    return caught.value


# --- where templates may be named -----------------------------------------------------------------


async def test_type_may_be_a_url(process: Process, site: Site) -> None:
    site.pages["/t.yaml"] = value("fetched")
    url = site.url("/t.yaml")
    stack = await complete(process, await process.create("s", using(url, suffix="!")))
    assert await process.outputs(stack) == {"said": "fetched!"}
    assert await files_of(process, stack) == {url: value("fetched")}
    assert site.paths == ["/t.yaml"]


async def test_registry_may_lead_to_a_url(process: Process, site: Site) -> None:
    site.pages["/t.template"] = value("mapped")
    environment = {"resource_registry": {"My::Type": site.url("/t.template")}}
    stack = await complete(process, await process.create("s", using("My::Type"), environment=environment))
    assert await process.outputs(stack) == {"said": "mapped"}


async def test_stacks_inside_may_name_further_ones(process: Process, site: Site) -> None:
    site.pages |= {"/c.yaml": value("deep")}
    site.pages |= {"/b.yaml": around(site.url("/c.yaml"))}
    site.pages |= {"/a.yaml": around(site.url("/b.yaml"))}
    stack = await complete(process, await process.create("s", using(site.url("/a.yaml"))))
    assert await process.outputs(stack) == {"said": "deep"}
    assert sorted(await files_of(process, stack)) == [site.url(f"/{name}.yaml") for name in "abc"]
    assert site.paths == ["/a.yaml", "/b.yaml", "/c.yaml"]


async def test_members_of_a_group_may_be_fetched(process: Process, site: Site) -> None:
    site.pages["/member.yaml"] = value("member")
    group = {
        "count": 3,
        "resource_def": {"type": site.url("/member.yaml"), "properties": {"suffix": "%index%"}},
    }
    template = hot(
        {"group": {"type": "OS::Heat::ResourceGroup", "properties": group}},
        outputs={"said": {"value": {"get_attr": ["group", "said"]}}},
    )
    stack = await complete(process, await process.create("s", template))
    assert await process.outputs(stack) == {"said": ["member0", "member1", "member2"]}
    assert site.paths == ["/member.yaml"]


async def test_group_in_a_fetched_template_may_name_a_url_by_parameter(process: Process, site: Site) -> None:
    site.pages["/member.yaml"] = value("member")
    site.pages["/group.yaml"] = """
heat_template_version: 2021-04-16
parameters: {kind: {type: string}}
resources:
  group: {type: OS::Heat::ResourceGroup, properties: {count: 1, resource_def: {type: {get_param: kind}}}}
outputs:
  said: {value: {get_attr: [group, said]}}
"""
    template = using(site.url("/group.yaml"), kind=site.url("/member.yaml"))
    stack = await complete(process, await process.create("s", template))
    assert await process.outputs(stack) == {"said": ["member"]}


async def test_many_are_fetched_together_and_each_once(process: Process, site: Site) -> None:
    waiting = 0
    everyone = asyncio.Event()

    async def page(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal waiting
        waiting += 1
        if waiting == 4:
            everyone.set()
        await asyncio.wait_for(everyone.wait(), 60)
        return web.Response(text=value("x"))

    site.pages |= {f"/{number}.yaml": page for number in range(4)}
    resources = {f"r{n}": {"type": site.url(f"/{n % 4}.yaml")} for n in range(10)}
    await complete(process, await process.create("s", hot(resources)))
    assert sorted(site.paths) == [f"/{number}.yaml" for number in range(4)]


async def test_file_of_that_name_comes_before_the_url(process: Process, site: Site) -> None:
    url = site.url("/t.yaml")
    stack = await complete(process, await process.create("s", using(url), files={url: value("sent")}))
    assert await process.outputs(stack) == {"said": "sent"}
    assert site.requests == []


async def test_get_file_is_never_fetched(process: Process, site: Site) -> None:
    site.pages["/x.yaml"] = "text"
    url = site.url("/x.yaml")
    template = hot({"v": {"type": "OS::Heat::Value", "properties": {"value": {"get_file": url}}}})
    error = await refused(process, template)
    assert error.message.endswith(f'No content found in the "files" section for get_file path: {url}')
    assert site.requests == []


# --- what goes wrong ------------------------------------------------------------------------------


async def test_template_that_is_not_there_is_named_with_its_place(process: Process, site: Site) -> None:
    url = site.url("/missing.yaml")
    site.pages["/a.yaml"] = around(url)
    error = await refused(process, using(site.url("/a.yaml")))
    assert isinstance(error, TemplateError)
    assert error.code == 400
    label = f"resources.nested<{site.url('/a.yaml')}>"
    assert error.path == f"{label}.resources.deeper.type"
    reason = f"Failed to retrieve template from {url}"
    assert error.message == f'{label}: Could not fetch remote template "{url}": {reason}'


async def test_addresses_inside_are_refused(stackd_world: World, site: Site) -> None:
    site.pages["/t.yaml"] = value("secret")
    url = site.url("/t.yaml")
    async with stackd_world.process() as process:
        error = await refused(process, using(url))
    assert error.message == f'Could not fetch remote template "{url}": Failed to retrieve template from {url}'
    assert site.requests == []


@pytest.mark.parametrize("name", ["file:///etc/passwd.yaml", "inner.yaml", "ftp://example.test/x.yaml"])
async def test_other_names_are_not_fetched(process: Process, name: str) -> None:
    error = await refused(process, using(name))
    assert error.message == f'Could not fetch remote template "{name}": {NOT_SENT}'


async def test_relative_names_are_not_rewritten(process: Process, site: Site) -> None:
    site.pages |= {"/dir/a.yaml": around("b.yaml"), "/dir/b.yaml": value("x")}
    error = await refused(process, using(site.url("/dir/a.yaml")))
    assert error.message.endswith(f'Could not fetch remote template "b.yaml": {NOT_SENT}')
    assert site.paths == ["/dir/a.yaml"]


async def test_template_in_itself_ends_at_the_depth(process: Process, site: Site) -> None:
    site.pages["/t.yaml"] = around(site.url("/t.yaml"))
    assert (await refused(process, using(site.url("/t.yaml")))).message.endswith("Recursion depth exceeds 5.")
    assert site.paths == ["/t.yaml"]


async def test_endless_chain_of_templates_ends_at_the_depth(process: Process, site: Site) -> None:
    site.pages |= {f"/{n}.yaml": around(site.url(f"/{n + 1}.yaml")) for n in range(20)}
    assert (await refused(process, using(site.url("/0.yaml")))).message.endswith("Recursion depth exceeds 5.")
    assert len(site.paths) <= 7


async def test_mistake_in_a_fetched_template_is_told(process: Process, site: Site) -> None:
    site.pages["/t.yaml"] = "heat_template_version: [\n"
    error = await refused(process, using(site.url("/t.yaml")))
    assert site.url("/t.yaml") in error.message


async def test_mistake_elsewhere_is_told_although_something_is_to_be_fetched(
    process: Process, site: Site
) -> None:
    site.pages["/t.yaml"] = value("x")
    template = hot({"a": {"type": site.url("/t.yaml")}, "b": {"type": "No::Such::Type"}})
    assert "No::Such::Type" in (await refused(process, template)).message


async def test_template_that_is_too_large_is_refused(process: Process, site: Site) -> None:
    site.pages["/t.yaml"] = value("x") + "#" * 600_000
    error = await refused(process, using(site.url("/t.yaml")))
    assert error.message.endswith("Template exceeds maximum allowed size (524288 bytes)")


async def limited(**limits: Any) -> tuple[Egress, Fetched]:
    egress = Egress(EgressSettings(LOOPBACK, **limits))
    return egress, Fetched(egress, 1000, "p")


@pytest.mark.parametrize("limits", [{"max_files": 2}, {"max_bytes": 1500}])
async def test_all_that_a_request_fetches_is_bounded(site: Site, limits: dict[str, int]) -> None:
    site.pages |= {f"/{n}.yaml": value("x") + "#" * 500 for n in range(3)}
    template = hot({f"r{n}": {"type": site.url(f"/{n}.yaml")} for n in range(3)})
    egress, fetched = await limited(**limits)
    with pytest.raises(DownloadLimitExceeded) as caught:
        await completed(load_source(template, None, {}), REGISTRY, Limits(), fetched)
    assert caught.value.code == 400
    await egress.close()


# --- afterwards -----------------------------------------------------------------------------------


async def test_nothing_is_fetched_after_the_request(process: Process, site: Site) -> None:
    site.pages["/t.yaml"] = value("once")
    stack = await complete(process, await process.create("s", using(site.url("/t.yaml"))))
    site.pages.clear()
    await process.update(stack, existing=True, tags=("new",))
    await complete(process, stack, Action.UPDATE)
    await process.delete(stack)
    await complete(process, stack, Action.DELETE)
    assert site.paths == ["/t.yaml"]


async def test_update_fetches_again_and_takes_what_is_there_now(process: Process, site: Site) -> None:
    url = site.url("/t.yaml")
    site.pages["/t.yaml"] = value("old")
    stack = await complete(process, await process.create("s", using(url)))
    site.pages["/t.yaml"] = value("new")
    await process.update(stack, using(url))
    await complete(process, stack, Action.UPDATE)
    assert await process.outputs(stack) == {"said": "new"}


async def test_update_is_refused_when_nothing_can_be_fetched(process: Process, site: Site) -> None:
    url = site.url("/t.yaml")
    site.pages["/t.yaml"] = value("old")
    stack = await complete(process, await process.create("s", using(url)))
    site.pages.clear()
    with pytest.raises(MissingTemplate, match="Failed to retrieve template"):
        await process.update(stack, using(url))
    await complete(process, stack)
    assert await process.outputs(stack) == {"said": "old"}


async def test_failed_update_goes_back_to_what_was_fetched_before(process: Process, site: Site) -> None:
    url = site.url("/t.yaml")
    site.pages["/t.yaml"] = value("old")
    stack = await complete(process, await process.create("s", using(url)))
    site.pages["/t.yaml"] = value("new")
    template = using(url)
    failing = {"type": "OS::Heat::TestResource", "properties": {"fail": True}, "depends_on": "nested"}
    template["resources"]["failing"] = failing
    await process.update(stack, template, disable_rollback=False)
    await complete(process, stack, Action.ROLLBACK)
    assert await process.outputs(stack) == {"said": "old"}
    assert site.paths == ["/t.yaml", "/t.yaml"]


async def test_recovery_fetches_nothing(reaching: World, site: Site) -> None:
    site.pages["/t.yaml"] = value("kept")
    async with reaching.process(dies_at=4) as process:
        creating = asyncio.create_task(process.create("s", using(site.url("/t.yaml"))))
        stack = await unless_dead(process, creating)
        assert stack is not None
        await process.journal.died.wait()
    site.pages.clear()
    async with reaching.process() as process:
        await complete(process, stack)
        assert await process.outputs(stack) == {"said": "kept"}
    assert site.paths == ["/t.yaml"]


async def test_content_is_stored_once_for_the_whole_tree(process: Process, site: Site) -> None:
    site.pages["/t.yaml"] = value("x")
    stack = await complete(process, await process.create("s", using(site.url("/t.yaml"))))
    child_id = (await process.rows(stack))["nested"].nested_stack_id
    child = await access.find(process.engine, process.caller, child_id or "", "stacks:show")
    assert child.definition.files == (await process.stack(stack)).definition.files
    manifest = from_json(await documents.get(process.db, child.project_id, child.definition.files))
    assert list(manifest) == [site.url("/t.yaml")]


# --- other requests -------------------------------------------------------------------------------


async def test_preview_fetches_as_a_creation_does(process: Process, site: Site) -> None:
    site.pages["/t.yaml"] = value("x")
    request = StackRequest(name="s", template=using(site.url("/t.yaml")))
    _, checked = await use_cases.preview(process.engine, process.caller, request)
    assert list(checked.expanded.children["nested"].desired.resources) == ["inner"]


async def test_preview_of_an_update_fetches_too(process: Process, site: Site) -> None:
    url = site.url("/t.yaml")
    site.pages["/t.yaml"] = value("old")
    stack = await complete(process, await process.create("s", using(url)))
    site.pages["/t.yaml"] = value("new")
    request = StackRequest(template=using(url))
    plan = (await use_cases.preview_update(process.engine, process.caller, stack, request)).plan
    causes = [
        (step.name, cause.old, cause.new) for step in plan.changes() for cause in step.causes if cause.path
    ]
    assert [(old, new) for _, old, new in causes] == [("old", "new")]


@pytest.mark.parametrize("nested", [False, True])
async def test_validation_fetches(process: Process, site: Site, nested: bool) -> None:
    site.pages |= {"/b.yaml": value("x")}
    site.pages |= {"/a.yaml": around(site.url("/b.yaml"))}
    request = StackRequest(template=using(site.url("/a.yaml")))
    view = await validate.validate(process.engine, process.caller, request, nested=nested)
    assert ("NestedParameters" in view) is nested
    if nested:
        deeper = view["NestedParameters"]["nested"]["NestedParameters"]["deeper"]
        assert list(deeper["Parameters"]) == ["suffix"]
    assert site.paths == ["/a.yaml", "/b.yaml"]


async def test_validation_tells_what_cannot_be_fetched(process: Process, site: Site) -> None:
    request = StackRequest(template=using(site.url("/missing.yaml")))
    with pytest.raises(TemplateError, match="Could not fetch remote template"):
        await validate.validate(process.engine, process.caller, request, nested=False)


async def test_template_itself_may_be_fetched(process: Process, site: Site) -> None:
    site.pages["/root.yaml"] = value("root")
    stack = await complete(process, await process.create("s", None, template_url=site.url("/root.yaml")))
    assert await process.outputs(stack) == {"said": "root"}
    assert await files_of(process, stack) == {}


async def test_template_that_names_its_own_url_is_fetched_once(process: Process, site: Site) -> None:
    site.pages["/root.yaml"] = around(site.url("/root.yaml"))
    error = await refused(process, None, template_url=site.url("/root.yaml"))
    assert error.message.endswith("Recursion depth exceeds 5.")
    assert site.paths == ["/root.yaml"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "Invalid URL scheme file"),
        ("http://127.0.0.1:9/none", "Failed to retrieve template from http://127.0.0.1:9/none"),
    ],
)
async def test_template_that_cannot_be_fetched_is_refused(process: Process, url: str, why: str) -> None:
    error = await refused(process, None, template_url=url)
    assert isinstance(error, BadRequest)
    assert error.wire_type == "HTTPBadRequest"
    assert error.message == f"Could not retrieve template: {why}"


def test_what_is_wanted_is_found_without_the_network() -> None:
    source = load_source(using("http://h.test/a.yaml"), None, {})
    files = Files({}, None, set())
    wanting = type(source)(source.template, source.environment, files)
    assert wanted_templates(wanting, REGISTRY, Limits()) == {"http://h.test/a.yaml"}


# --- containers -----------------------------------------------------------------------------------


class Shelf:
    """A service of objects that are listed with other sizes than they have."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.ranges: list[str] = []

    async def get(self, path: str, params: Any) -> Any:
        return [{"name": name, "bytes": 0} for name in self.objects]

    async def request(self, method: str, path: str, *, headers: dict[str, str]) -> Any:
        content = self.objects[path.rpartition("/")[2]]
        self.ranges.append(headers["Range"])
        if not content:
            raise CloudError("no such range", status=416)
        last = int(headers["Range"].partition("-")[2])
        return SimpleNamespace(content=content[: last + 1])


def container(objects: dict[str, bytes]) -> tuple[Shelf, Container]:
    shelf = Shelf(objects)
    return shelf, Container(shelf, "c", 100, 10)  # type: ignore[arg-type]


async def test_object_that_is_larger_than_listed_is_not_read_to_its_end() -> None:
    shelf, large = container({"parts": b"x" * 1000})
    with pytest.raises(DownloadLimitExceeded):
        await large.files({})
    assert shelf.ranges == ["bytes=0-100"]


async def test_objects_may_be_as_large_as_the_limit_and_empty() -> None:
    _, full = container({"full": b"x" * 100, "empty": b""})
    assert await full.files({}) == {"full": "x" * 100, "empty": ""}


async def test_object_store_of_the_catalog_is_fetched_from_although_its_address_is_private(
    stackd_world: World, site: Site
) -> None:
    """A URL on the catalog's own host and port needs no `allowed_networks`; another private one does."""
    site.pages["/v1/AUTH_p/c/t.yaml"] = value("signed")
    url = site.url("/v1/AUTH_p/c/t.yaml?temp_url_sig=abc&temp_url_expires=2147483647&f=.yaml")
    async with stackd_world.process() as process, website({"/t.yaml": value("x")}) as other:
        store = Endpoint("object-store", "internal", "r", site.url("/v1/AUTH_p"))
        cloud = process.engine.trusts.of_caller(process.caller)
        token = await cloud.token()
        known = urls_of([*token.catalog, store], "swift")
        assert len(known) > 1
        origins = await _object_store(process.engine, process.caller)
        assert origins == {origin_of(each) for each in known[:-1]}

        async def own() -> frozenset[Origin]:
            return frozenset(filter(None, map(origin_of, known)))

        fetched = Fetched(process.engine.services.egress, 1000, "p", origins=own)
        assert await fetched.template(url) == value("signed")
        with pytest.raises(FetchFailed):
            await fetched.template(other.url("/t.yaml"))


async def test_query_of_a_url_may_be_a_signature_and_is_shown_and_stored_nowhere(
    reaching: World, site: Site
) -> None:
    """The URL still is what it was: an update after a restart finds nothing to do."""
    site.pages |= {"/t.yaml": value("fetched"), "/u.yaml": value("other"), "/bad.yaml": "resources: ["}
    hushed = {"plain": site.url("/t.yaml?sig=hush-1.yaml"), "mapped": site.url("/u.yaml?sig=hush-2.yaml")}
    member = {"type": hushed["plain"], "properties": {"suffix": "%index%"}}
    template = hot(
        {
            "plain": {"type": hushed["plain"]},
            "mapped": {"type": "My::Type"},
            "group": {"type": "OS::Heat::ResourceGroup", "properties": {"count": 2, "resource_def": member}},
        }
    )
    environment = {"resource_registry": {"My::Type": hushed["mapped"]}}
    shown: list[Any] = []
    async with reaching.process() as process:
        stack = await complete(process, await process.create("s", template, environment=environment))
        refusal = await refused(process, using(site.url("/bad.yaml?sig=hush-3.yaml")))
        shown.append((str(refusal), getattr(refusal, "place", ""), getattr(refusal, "value", "")))
        shown.append(str(await refused(process, using(site.url("/gone.yaml?sig=hush-4.yaml")))))
    async with reaching.process() as process:
        made = {row.id for row in (await process.rows(stack)).values()}
        request = {"environment": environment}
        plan = await use_cases.preview_update(
            process.engine, process.caller, stack, StackRequest(template=template, **request), nested=True
        )
        assert list(plan.plan.changes()) == []
        await complete(process, await process.update(stack, template, **request), Action.UPDATE)
        assert {row.id for row in (await process.rows(stack)).values()} == made
        other = hot({"plain": {"type": "OS::Heat::None"}})
        changed = await use_cases.preview_update(
            process.engine, process.caller, stack, StackRequest(template=other), nested=True
        )
        reader = Reader(process.engine)
        views = await reader.resources(stack, depth=5)
        assert [view.type for view in views if view.resource.name == "plain"] == [site.url("/t.yaml?******")]
        for each in [stack, *(view.stack for view in views)]:
            shown += [await process.events(each), await reader.files(each), await reader.environment(each)]
            shown += [await reader.shown_template(each), await reader.outputs(each)]
        shown += [plan.plan.to_data(), changed.plan.to_data(), changed.lists(nested=True)]
        shown += [(view.type, view.resource.attributes) for view in views]
        stored = [await process.db.fetch_once(select(table)) for table in metadata.sorted_tables]
    assert "******" in repr(shown)
    assert "hush" not in repr(shown)
    assert "hush" not in repr([tuple(row) for table in stored for row in table])
