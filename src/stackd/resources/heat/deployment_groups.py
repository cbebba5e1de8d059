"""OS::Heat::SoftwareDeploymentGroup and OS::Heat::StructuredDeploymentGroup: deployments on many servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import Batch, Child, Members, NestedType
from stackd.resources.constraints import between, one_of
from stackd.resources.follows import Siblings
from stackd.resources.heat.deployments import require_software_config
from stackd.resources.heat.group_props import BatchCreate
from stackd.resources.heat.members import is_member_attribute, member_attribute
from stackd.resources.heat.rolling import definition_now
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, Support, prop
from stackd.template.functions.refs import select

_BY_SERVER = {
    "deploy_stdouts": "deploy_stdout",
    "deploy_stderrs": "deploy_stderr",
    "deploy_status_codes": "deploy_status_code",
}


def _former(name: str) -> Support:
    """The support of a type that is called otherwise now."""
    deprecated = Support("DEPRECATED", "2014.2")
    return Support("HIDDEN", "7.0.0", message=f"Use {name} instead.", previous=deprecated)


class RollingDeployments(Properties):
    """How the deployments of a group are changed."""

    max_batch_size: int = prop("How many change at a time.", default=1, constraints=[between(1)])
    pause_time: float = prop("Seconds between batches.", default=0, constraints=[between(0)])


class DeploymentGroupPolicy(Properties):
    """The ``update_policy`` section of a group of deployments."""

    batch_create: BatchCreate | None = prop("", since="7.0.0")
    rolling_update: RollingDeployments | None = prop("", since="7.0.0")


class DeploymentGroupProps(Properties):
    """Properties of ``OS::Heat::SoftwareDeploymentGroup``."""

    servers: dict[str, Any] = prop("Ids of the servers by names for them.", required=True, update=IN_PLACE)
    config: str | None = prop("Id of the configuration.", update=IN_PLACE)
    input_values: dict[str, Any] | None = prop("Values of the configuration's inputs.", update=IN_PLACE)
    actions: list[Any] = prop(
        "The actions of the stack that deploy; a component says so itself.",
        default=["CREATE", "UPDATE"],
        update=IN_PLACE,
        constraints=[one_of("CREATE", "UPDATE", "DELETE", "SUSPEND", "RESUME")],
    )
    name: str | None = prop("Name of what is deployed; a server deploys in this order.", update=IN_PLACE)
    signal_transport: str = prop(
        "How the guests signal what came of it.",
        default="CFN_SIGNAL",
        constraints=[one_of("CFN_SIGNAL", "TEMP_URL_SIGNAL", "HEAT_SIGNAL", "NO_SIGNAL", "ZAQAR_SIGNAL")],
    )


P = TypeVar("P", bound=DeploymentGroupProps)


class DeploymentGroup(NestedType[P]):
    """A stack with one deployment for each server, named as the server is in ``servers``."""

    member = ""
    shaping = ("servers",)
    update_policy = DeploymentGroupPolicy.schema
    attributes: ClassVar = {
        "deploy_stdouts": attr("What each printed, by server.", "map"),
        "deploy_stderrs": attr("What each printed of errors, by server.", "map"),
        "deploy_status_codes": attr("The code with which each ended, by server.", "map"),
    }

    def validate_among(self, props: P, siblings: Siblings) -> None:
        """The servers of the stack must be such that get deployments."""
        servers = props.data.get("servers")
        for server in servers.values() if isinstance(servers, Mapping) else ():
            require_software_config(server, siblings, "properties.servers")

    def count(self, props: P) -> int | None:
        """One for each server."""
        servers = props.data["servers"]
        return len(servers) if isinstance(servers, Mapping) else None

    def child(self, resource: Resource, props: P, members: Members, files: Mapping[str, str]) -> Child:
        """All deployments in their newest definition."""
        return _stack(self._all(props))

    def batches(
        self, resource: Resource, old: P | None, new: P, members: Members, files: Mapping[str, str]
    ) -> Sequence[Batch]:
        """Several steps when a policy asks for them; what goes, goes with the first."""
        policy = DeploymentGroupPolicy.load(resource.data.get("update_policy") or {}, "update_policy")
        pace = policy.batch_create if old is None else policy.rolling_update
        target = self._all(new)
        if pace is None or len(target) <= pace.max_batch_size:
            return [Batch(_stack(target))]
        state = self._now(old, target, members)
        steps: list[Batch] = []
        names, size = sorted(target.keys() - (members.reached or ())), pace.max_batch_size
        for start in range(0, len(names), size):
            chosen = names[start : start + size]
            state = {**state, **{name: target[name] for name in chosen}}
            steps.append(Batch(_stack(state), pace.pause_time))
        return [*steps[:-1], Batch(_stack(target), pace.pause_time)]

    def _now(self, old: P | None, target: Mapping[str, Any], members: Members) -> dict[str, Any]:
        """The deployments that are there to stay, as they are."""
        given, reached = members.definitions, members.reached
        done = {name: target[name] for name in sorted(reached or ())}
        before = {} if old is None else {k: v for k, v in self._all(old).items() if k in target}
        return done | {
            name: definition_now(name, given.get(name, each), each, target[name], reached)
            for name, each in before.items()
        }

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """An output of all deployments, by server."""
        if is_member_attribute(name):
            return member_attribute(resource, name, path, members)
        wanted = _BY_SERVER.get(name, name)
        found = {each: members.attribute(each, (wanted,)) for each in sorted(members.resources)}
        return select(found, path)

    def _all(self, props: P) -> dict[str, Any]:
        shared = {key: value for key, value in props.data.items() if key != "servers" and value is not None}
        return {
            str(name): {"type": self.member, "properties": {**shared, "server": server}}
            for name, server in props.data["servers"].items()
        }


def _stack(members: Mapping[str, Any]) -> Child:
    return Child({"heat_template_version": "2015-04-30", "resources": dict(members)})


@resource_type("OS::Heat::SoftwareDeploymentGroup", since="5.0.0")
class SoftwareDeploymentGroup(DeploymentGroup[DeploymentGroupProps]):
    """Brings a configuration to several servers and waits until all guests signal what came of it."""

    member = "OS::Heat::SoftwareDeployment"
    former_names: ClassVar[tuple[str, ...]] = ("OS::Heat::SoftwareDeployments",)


@resource_type("OS::Heat::SoftwareDeployments", support=_former("OS::Heat::SoftwareDeploymentGroup"))
class SoftwareDeployments(SoftwareDeploymentGroup):
    """The former name of OS::Heat::SoftwareDeploymentGroup."""

    former_names = ()


class StructuredGroupProps(DeploymentGroupProps):
    """Properties of ``OS::Heat::StructuredDeploymentGroup``."""

    input_key: str = prop("Key of the maps that stand for inputs.", default="get_input")
    input_values_validate: str = prop(
        "Whether every input must have a value.", default="LAX", constraints=[one_of("LAX", "STRICT")]
    )


@resource_type("OS::Heat::StructuredDeploymentGroup", since="5.0.0")
class StructuredDeploymentGroup(DeploymentGroup[StructuredGroupProps]):
    """Brings a map to several servers, with the values of its inputs in their places."""

    member = "OS::Heat::StructuredDeployment"
    former_names: ClassVar[tuple[str, ...]] = ("OS::Heat::StructuredDeployments",)


@resource_type("OS::Heat::StructuredDeployments", support=_former("OS::Heat::StructuredDeploymentGroup"))
class StructuredDeployments(StructuredDeploymentGroup):
    """The former name of OS::Heat::StructuredDeploymentGroup."""

    former_names = ()
