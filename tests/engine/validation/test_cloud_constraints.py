"""Names that must exist in the cloud are checked together, before anything is accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.engine.definition.desired import Source
from stackd.engine.usecases import stacks
from stackd.engine.usecases.requests import StackRequest, check
from stackd.engine.validation.cloud_constraints import checks_of
from stackd.errors import Forbidden, ServiceUnavailable, StackdError, TemplateError, all_errors, headline
from stackd.records import Status
from stackd.resources.registry import load_registry
from stackd.settings import Limits
from stackd.template import load_environment, load_template
from stackd.template.parameters import StackIdentity
from tests.support.engine import Process, World

VERSION = {"heat_template_version": "2021-04-16"}
GOOD = {"image": "cirros", "flavor": "m1.small", "networks": [{"network": "public"}]}


def server(**properties: Any) -> dict[str, Any]:
    return {"type": "OS::Nova::Server", "properties": {**GOOD, **properties}}


def template(**resources: Any) -> dict[str, Any]:
    return {**VERSION, "resources": resources}


async def refusal(process: Process, data: Any, **options: Any) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        await process.create("s", data, **options)
    return caught.value


def all_of(error: TemplateError) -> list[TemplateError]:
    return [each for each in all_errors(error) if isinstance(each, TemplateError)]


async def test_every_wrong_name_is_told_with_its_place(stackd_world: World) -> None:
    text = """
heat_template_version: 2021-04-16
resources:
  one:
    type: OS::Nova::Server
    properties: {image: cirros, flavor: m1.smal, networks: [{network: public}]}
  two:
    type: OS::Nova::Server
    properties:
      image: nothing
      flavor: m1.small
      key_name: mine
      networks:
        - network: publik
"""
    async with stackd_world.process() as process:
        error = await refusal(process, text)
    told = {each.path: each for each in all_of(error)}
    flavor = told["resources.one.properties.flavor"]
    assert (
        "Error validating value 'm1.smal': No Flavor matching {'name': 'm1.smal'}. (HTTP 404)"
        in flavor.message
    )
    assert flavor.message.startswith("Property error: ")
    assert (flavor.remedy, flavor.place.line, flavor.value) == ("Did you mean m1.small?", 6, "m1.smal")
    network = told["resources.two.properties.networks[0].network"]
    assert "Unable to find network with name or id 'publik'" in network.message
    assert (network.remedy, network.place.line) == ("Did you mean public?", 14)
    assert "No images matching {'name': 'nothing'}." in told["resources.two.properties.image"].message
    assert told["resources.two.properties.image"].remedy == ""  # nothing is near
    assert "The Key (mine) could not be found." in told["resources.two.properties.key_name"].message
    assert len(told) == 4
    assert headline(error) is all_of(error)[0]


async def test_wrong_names_and_wrong_values_are_told_together(stackd_world: World) -> None:
    data = template(
        one=server(flavor="huge"), two={"type": "OS::Heat::RandomString", "properties": {"length": 1000}}
    )
    async with stackd_world.process() as process:
        error = await refusal(process, data)
    paths = {each.path for each in all_of(error)}
    assert paths == {"resources.one.properties.flavor", "resources.two.properties.length"}


async def test_a_thousand_servers_need_one_look_up_of_each_kind(stackd_world: World) -> None:
    servers = {f"s{number}": server() for number in range(999)}
    async with stackd_world.process() as process:
        stackd_world.cloud.meter.reset()
        await stacks.preview(
            process.engine, process.caller, StackRequest(name="s", template=template(**servers))
        )
        calls = stackd_world.cloud.meter.report()["calls"]
    asked = {call: number for call, number in calls.items() if not call.startswith("identity")}
    assert sum(asked.values()) == 3
    assert all("GET" in call for call in asked)


async def test_the_operation_asks_for_nothing_again(stackd_world: World) -> None:
    volume = {"type": "OS::Cinder::Volume", "properties": {"size": 1, "image": "cirros"}}
    async with stackd_world.process() as process:
        stackd_world.cloud.meter.reset()
        stack = await process.done(await process.create("s", template(one=volume, two=volume)))
        assert stack.status is Status.COMPLETE, stack.reason
        calls = stackd_world.cloud.meter.report()["calls"]
    assert calls["image GET /images"] == 1


async def test_a_parameter_is_refused_once_with_its_own_words(stackd_world: World) -> None:
    constraint = {"custom_constraint": "nova.flavor"}
    data = {
        **template(one=server(flavor={"get_param": "size"})),
        "parameters": {"size": {"type": "string", "constraints": [constraint]}},
    }
    async with stackd_world.process() as process:
        error = await refusal(process, data, parameters={"size": "m1.larg"})
        assert error.message == (
            "Parameter 'size' is invalid: Error validating value 'm1.larg': "
            "No Flavor matching {'name': 'm1.larg'}. (HTTP 404)"
        )
        assert (error.path, error.remedy) == ("parameters.size", "Did you mean m1.large?")
        assert all_of(error) == [error]
        constraint["description"] = "Choose a flavor."
        error = await refusal(process, data, parameters={"size": "x"})
        assert error.message == "Parameter 'size' is invalid: Choose a flavor."
        del constraint["description"]
        data["parameters"]["size"]["hidden"] = True
        error = await refusal(process, data, parameters={"size": "sesame"})
        assert "sesame" not in f"{error.message} {error.remedy} {error.value}"


async def test_an_expiration_must_lie_ahead(stackd_world: World) -> None:
    schema = {"type": "string", "constraints": [{"custom_constraint": "expiration"}]}
    async with stackd_world.process() as process:
        data = {**VERSION, "parameters": {"end": schema}}
        error = await refusal(process, data, parameters={"end": "2000-01-01"})
    assert error.message.endswith("Expiration 2000-01-01 is invalid: Expiration time is out of date.")
    assert error.remedy == "Give a moment that is still to come."


async def test_an_unknown_constraint_refuses_the_parameter(stackd_world: World) -> None:
    schema = {"type": "string", "constraints": [{"custom_constraint": "no.such"}]}
    async with stackd_world.process() as process:
        error = await refusal(process, {**VERSION, "parameters": {"p": schema}}, parameters={"p": "v"})
    assert error.message == "Parameter 'p' is invalid: \"v\" does not validate no.such (constraint not found)"


async def test_values_of_resources_to_be_made_are_not_asked_about(stackd_world: World) -> None:
    net = {"type": "OS::Neutron::Net", "properties": {"name": "mine"}}
    subnet = {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": {"get_resource": "net"}, "cidr": "10.9.0.0/24"},
    }
    port = {
        "type": "OS::Neutron::Port",
        "properties": {"network": {"get_attr": ["net", "name"]}},
        "depends_on": "subnet",
    }
    async with stackd_world.process() as process:
        data = template(net=net, subnet=subnet, port=port)
        stack = await process.done(await process.create("s", data))
        assert stack.status is Status.COMPLETE, stack.reason


async def test_a_name_that_is_a_resource_gets_the_right_advice(stackd_world: World) -> None:
    net = {"type": "OS::Neutron::Net"}
    async with stackd_world.process() as process:
        port = {"type": "OS::Neutron::Port", "properties": {"network": "net"}}
        error = await refusal(process, template(net=net, port=port))
    assert error.remedy == "Write {get_resource: net} to mean the resource of this template."


async def test_stacks_inside_are_checked_too(stackd_world: World) -> None:
    inner = template(one=server(flavor={"get_param": "size"}), two=server(image="nothing"))
    inner["parameters"] = {"size": {"type": "string", "constraints": [{"custom_constraint": "nova.flavor"}]}}
    outer = template(web={"type": "web.yaml", "properties": {"size": "huge"}})
    async with stackd_world.process() as process:
        error = await refusal(process, outer, files={"web.yaml": json.dumps(inner)})
    told = {each.path: each.message for each in all_of(error)}
    assert set(told) == {
        "resources.web.properties.size",
        "resources.web<web.yaml>.resources.two.properties.image",
    }
    assert all("Error validating value" in message for message in told.values())


async def test_lists_for_a_template_are_checked_by_element(stackd_world: World) -> None:
    def listed(constraint: str, **more: str) -> dict[str, Any]:
        return {"type": "comma_delimited_list", "constraints": [{"custom_constraint": constraint, **more}]}

    inner = template()
    inner["parameters"] = {
        "nets": listed("neutron.network"),
        "keys": listed("nova.keypair", description="Mine."),
    }
    properties = {"nets": "public,nope", "keys": ["lost"]}
    outer = template(web={"type": "web.yaml", "properties": properties})
    async with stackd_world.process() as process:
        error = await refusal(process, outer, files={"web.yaml": json.dumps(inner)})
        assert {each.message for each in all_of(error)} == {
            "Property error: resources.web.properties.nets: Error validating value 'nope': "
            "Unable to find network with name or id 'nope'",
            "Property error: resources.web.properties.keys: Mine.",
        }
        inner["parameters"] = {"nets": listed("net_cidr"), "keys": listed("ip_addr", description="Mine.")}
        properties = {"nets": "10.0.0.0/24,10.1.0.0/16", "keys": ["1.1.1.1", "lost"]}
        outer = template(web={"type": "web.yaml", "properties": properties})
        error = await refusal(process, outer, files={"web.yaml": json.dumps(inner)})
    assert [each.message for each in all_of(error)] == [
        "Property error: resources.web.properties.keys: Mine."
    ]


async def test_of_members_alike_one_is_told(stackd_world: World) -> None:
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 9, "resource_def": server(flavor="huge")},
    }
    async with stackd_world.process() as process:
        error = await refusal(process, template(group=group))
    assert [each.path for each in all_of(error)] == [
        "resources.group<nested_stack>.resources.0.properties.flavor"
    ]


async def test_a_name_that_a_stack_inside_will_find_is_not_refused(stackd_world: World) -> None:
    net = {"type": "OS::Neutron::Net", "properties": {"name": "mine"}}
    subnet = {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": {"get_resource": "net"}, "cidr": "10.9.0.0/24"},
    }
    port = {"type": "OS::Neutron::Port", "properties": {"network": "mine"}}
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 1, "resource_def": port},
        "depends_on": "subnet",
    }
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template(net=net, subnet=subnet, group=group)))
        assert stack.status is Status.COMPLETE, stack.reason


async def test_an_update_and_its_preview_are_checked(stackd_world: World) -> None:
    def volume(image: str) -> dict[str, Any]:
        return template(one={"type": "OS::Cinder::Volume", "properties": {"size": 1, "image": image}})

    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", volume("cirros")))
        with pytest.raises(TemplateError, match="No images matching"):
            await process.update(stack, volume("nothing"))
        request = StackRequest(template=volume("nothing"))
        with pytest.raises(TemplateError, match="No images matching"):
            await stacks.preview_update(process.engine, process.caller, stack, request)
        assert (await process.stack(stack)).status is Status.COMPLETE


@pytest.mark.parametrize(
    ("status", "kind"), [(403, Forbidden), (503, ServiceUnavailable), (500, ServiceUnavailable)]
)
async def test_a_service_that_does_not_answer_is_named(
    stackd_world: World, status: int, kind: type[StackdError]
) -> None:
    rule = {"service": "compute", "path": "flavors", "effect": "status", "status": status}
    async with stackd_world.process() as process:
        stackd_world.cloud.faults.replace([rule])
        with pytest.raises(kind, match=r"resources\.one\.properties\.flavor: nova\.flavor .*compute"):
            await process.create("s", template(one=server()))
        # What is wrong for sure is told, whatever else cannot be said.
        error = await refusal(process, template(one=server(image="nothing")))
    assert [each.path for each in all_of(error)] == ["resources.one.properties.image"]


async def test_a_service_that_is_not_there_is_named(stackd_world: World) -> None:
    schema = {"type": "string", "constraints": [{"custom_constraint": "manila.share_type"}]}
    store = stackd_world.cloud.store
    for service in list(store.all("identity.services")):
        if service.data["type"] in ("shared-file-system", "sharev2"):
            store.remove(service)
    async with stackd_world.process() as process:
        error = await refusal(process, {**VERSION, "parameters": {"t": schema}}, parameters={"t": "fast"})
    assert "Error validating value 'fast': The catalog has no public endpoint of the service shared" in (
        error.message
    )


@pytest.mark.parametrize(
    ("properties", "refused"), [({"key_name": ""}, False), ({"flavor": ""}, True), ({"image": None}, True)]
)
async def test_an_empty_value_is_good_only_where_heat_says_so(
    stackd_world: World, properties: dict[str, Any], refused: bool
) -> None:
    request = StackRequest(name="s", template=template(one=server(**properties)))
    async with stackd_world.process() as process:
        if refused:
            with pytest.raises(TemplateError, match="Error validating value ''"):
                await stacks.preview(process.engine, process.caller, request)
        else:
            _, checked = await stacks.preview(process.engine, process.caller, request)
            assert checked.errors == ()


def test_a_property_that_waits_for_a_resource_is_left_out_whole() -> None:
    """One item of a list may be known; Heat judges the property when all of it is."""
    networks = [{"network": "public"}, {"network": {"get_resource": "net"}}]
    data = template(net={"type": "OS::Neutron::Net"}, one=server(networks=networks))
    source = Source(load_template(data), load_environment({}), {})
    checked = check(source, StackIdentity(), load_registry(), Limits(), name="s")
    assert sorted(each.constraint for each in checked.checks) == ["glance.image", "nova.flavor"]
    assert checks_of(checked.expanded) == checked.checks
