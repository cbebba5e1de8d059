import subprocess
from dataclasses import replace
from typing import Any

import pytest

from stackd.errors import InvalidTemplateAttribute, PropertyError, ResourceFailure
from stackd.records import Action, Resource
from stackd.resources.aws import load_balancers
from stackd.resources.base import Batch, Child, Members
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, gone, make_resource

KIND, CONFIGURATION = "AWS::ElasticLoadBalancing::LoadBalancer", "Stackd::LoadBalancer::Configuration"
LISTENER = {"LoadBalancerPort": 80, "InstancePort": 8080, "Protocol": "HTTP"}
CHECK = {"Target": "TCP:8080", "Interval": 10, "Timeout": 5, "HealthyThreshold": 2, "UnhealthyThreshold": 3}
NOBODY = Members({}, {}, {}, lambda name, path: None)


def balancer(**properties: Any) -> FakeContext:
    return FakeContext(
        KIND, properties={"AvailabilityZones": ["nova"], "Listeners": [LISTENER], **properties}
    )


def child_of(ctx: FakeContext) -> Child:
    made = ctx.type.child(ctx.resource, ctx.props, NOBODY, {})
    assert isinstance(made, Child)
    return made


def resources_of(child: Child) -> dict[str, Any]:
    assert not isinstance(child.template, str)
    found: dict[str, Any] = child.template["resources"]
    return found


def test_stack_inside_gets_what_it_is_to_balance() -> None:
    ctx = balancer(HealthCheck=CHECK, Instances=["a"], SecurityGroups=["g", "h"], Subnets=["s", "t"])
    child = child_of(ctx)
    given = {"Listeners": [LISTENER], "HealthCheck": CHECK, "Instances": ["a"]}
    assert resources_of(child)["configuration"]["properties"] == given
    assert child.parameters == {"SecurityGroups": "g,h", "Subnet": "s"}


def test_stack_inside_is_the_same_for_nobody_else() -> None:
    first = child_of(balancer(Instances=["a"]))
    second = child_of(balancer())
    assert resources_of(second)["configuration"]["properties"] == {"Listeners": [LISTENER]}
    assert resources_of(first)["configuration"]["properties"]["Instances"] == ["a"]
    assert second.parameters == {}


def test_guest_runs_a_script_that_a_shell_can_read() -> None:
    data = resources_of(child_of(balancer()))["instance"]["properties"]["UserData"]["str_replace"]
    text = data["template"]
    for name in data["params"]:
        assert name in text
        text = text.replace(name, "x")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True, timeout=60)
    assert all(
        line in text for line in ("stack=x", "path=Resources.configuration.Metadata", "AWSSecretKey=x")
    )


def test_only_the_address_is_known_of_the_balancer() -> None:
    ctx = balancer()
    members = replace(NOBODY, outputs={"PublicIp": "10.0.0.5"})
    values = {name: ctx.type.read(ctx.resource, name, (), members) for name in ctx.type.attributes}
    assert values.pop("DNSName") == "10.0.0.5"
    assert set(values.values()) == {""}
    assert ctx.type.reference(replace(ctx.resource, physical_id="stack")) == "thing"
    with pytest.raises(InvalidTemplateAttribute):
        ctx.type.read(ctx.resource, "Other", (), members)


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"Listeners": []}, "properties.Listeners"),
        ({"Listeners": [LISTENER, LISTENER]}, "properties.Listeners[1].LoadBalancerPort"),
        ({"Listeners": [{**LISTENER, "InstancePort": 0}]}, "properties.Listeners[0].InstancePort"),
        ({"HealthCheck": {**CHECK, "Target": "8080"}}, "properties.HealthCheck.Target"),
        ({"HealthCheck": {**CHECK, "Interval": 4}}, "properties.HealthCheck.Interval"),
        ({"HealthCheck": {**CHECK, "HealthyThreshold": 0}}, "properties.HealthCheck.HealthyThreshold"),
        ({"Instances": ["a", {"get_file": "x"}]}, "properties.Instances[1]"),
    ],
)
def test_what_cannot_work_is_refused(properties: Any, path: str) -> None:
    ctx = balancer(**properties)
    with pytest.raises(PropertyError) as caught:
        ctx.type.validate(ctx.props)
    assert caught.value.path == path


def test_what_can_work_or_is_not_known_is_not() -> None:
    ctx = balancer(HealthCheck=CHECK, Instances=["a"])
    ctx.type.validate(ctx.props)
    unknown = Unknown("x")
    for data in (
        {"Listeners": unknown, "HealthCheck": unknown, "Instances": unknown},
        {"Listeners": [unknown], "HealthCheck": {"Target": unknown}, "Instances": [unknown]},
    ):
        ctx.type.validate(ctx.type.properties.wrap(data))


# --- the configuration -------------------------------------------------------------------------


def configured(**stored: Any) -> FakeContext:
    properties = {"Listeners": [LISTENER], "Instances": ["a", "b"]}
    return FakeContext(CONFIGURATION, physical="c", properties=properties, stored=stored)


def announcing(names: Any, addresses: Any, **values: Any) -> Resource:
    properties = {"LoadBalancers": names, "Addresses": addresses}
    return make_resource("load_balancers", load_balancers.MEMBERS, properties=properties, **values)


async def test_addresses_of_the_instances_are_kept() -> None:
    ctx = configured()
    for server in "ab":
        addresses = {"net": [{"addr": f"10.0.0.{ord(server)}"}]}
        ctx.cloud.on("GET", f"/servers/{server}", {"server": {"addresses": addresses}})
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.data == {"addresses": ["10.0.0.97", "10.0.0.98"]}
    await ctx.type.update(ctx, ctx.props, ctx.load({**ctx.properties, "Instances": ["b"]}))
    assert ctx.data == {"addresses": ["10.0.0.98"]}


@pytest.mark.parametrize("answer", [gone(), {"server": {"addresses": {}}}])
async def test_instance_that_cannot_be_reached_is_named(answer: Any) -> None:
    ctx = configured()
    ctx.cloud.on("GET", "/servers/a", answer)
    with pytest.raises(ResourceFailure, match=r"instance a|Instance a"):
        await ctx.type.configure(ctx, ctx.props)


def test_guest_sees_own_instances_and_the_members_of_groups_each_once() -> None:
    ctx = configured(addresses=["1.1.1.1"])
    found = [
        announcing(["lb"], ["1.1.1.2", None, "0.0.0.0", "1.1.1.1"]),
        announcing(["other"], ["1.1.1.3"]),
        announcing(["other", "lb"], ["1.1.1.4"]),
        announcing(["lb"], ["1.1.1.5"], action=Action.DELETE),
    ]
    files = ctx.type.gathered(ctx.resource, "lb", found)["AWS::CloudFormation::Init"]["config"]["files"]
    text = files["/etc/haproxy/haproxy.cfg"]["content"]
    servers = [line.split()[2] for line in text.splitlines() if line.strip().startswith("server ")]
    assert servers == ["1.1.1.1:8080", "1.1.1.2:8080", "1.1.1.4:8080"]


# --- groups ------------------------------------------------------------------------------------

SIBLINGS = among(Sibling("lb", KIND, {}), Sibling("other", "OS::Heat::None", {}))


@pytest.mark.parametrize("names", [None, [], ["lb"], [Unknown("lb")], [Unknown("")], Unknown("x")])
def test_load_balancers_of_the_stack_are_accepted(names: Any) -> None:
    load_balancers.check(names, SIBLINGS)


@pytest.mark.parametrize("name", ["other", "missing", Unknown("other"), Unknown("lb", ("DNSName",)), 5])
def test_others_are_refused(name: Any) -> None:
    with pytest.raises(PropertyError, match=r"Unsupported resource '.*' in LoadBalancerNames") as caught:
        load_balancers.check(["lb", name], SIBLINGS)
    assert caught.value.path == "properties.LoadBalancerNames[1]"


def test_group_announces_its_instances_and_counts_only_these() -> None:
    plain = Child({"heat_template_version": "2015-04-30", "resources": {"one": {"type": "X"}}})
    assert load_balancers.announced(plain, None) == plain
    [batch] = load_balancers.all_announced([Batch(plain, 3.0)], ["lb"], {})
    made = resources_of(batch.child)
    assert batch.pause == 3.0
    assert made["load_balancers"]["properties"] == {
        "LoadBalancers": ["lb"],
        "Addresses": [{"get_attr": ["one", "PrivateIp"]}],
    }
    members = Members(made, dict.fromkeys(made), {}, lambda name, path: None, made, adopted=list(made))
    left = load_balancers.instances_of(members)
    assert {*left.resources, *left.references, *left.definitions, *left.adopted} == {"one"}


def sized(**sizes: str) -> Child:
    """The stack of a group with instances of these flavors."""
    return Child(
        {
            "heat_template_version": "2015-04-30",
            "resources": {
                name: {"type": "AWS::EC2::Instance", "properties": {"ImageId": "i", "InstanceType": size}}
                for name, size in sizes.items()
            },
        }
    )


def steps_of(*children: Child, names: Any = ("lb",)) -> list[tuple[list[str], float]]:
    """The instances that are announced in each step, and the pause after it."""
    before = resources_of(sized(a="s", b="s"))
    steps = load_balancers.all_announced([Batch(each, 5.0) for each in children], list(names), before)
    found = []
    for each in steps:
        made = resources_of(each.child).get("load_balancers", {"properties": {"Addresses": []}})
        found.append(([address["get_attr"][0] for address in made["properties"]["Addresses"]], each.pause))
    return found


def test_instances_that_stop_for_their_change_rest_meanwhile() -> None:
    steps = steps_of(sized(a="l", b="s"), sized(a="l", b="l"))
    assert steps == [(["b"], 5.0), (["a"], 0.0), (["a", "b"], 0.0)]


def test_instances_that_do_not_stop_go_on() -> None:
    other = sized(a="s", b="s")
    resources_of(other)["a"]["properties"]["ImageId"] = "j"
    assert steps_of(other) == [(["a", "b"], 5.0)]
    assert steps_of(sized(a="s", b="s", c="s")) == [(["a", "b", "c"], 5.0)]


def test_never_do_all_rest() -> None:
    assert steps_of(sized(a="l", b="l")) == [(["a", "b"], 5.0)]


def test_nothing_is_added_without_load_balancers() -> None:
    assert steps_of(sized(a="l", b="s"), names=()) == [([], 5.0)]
