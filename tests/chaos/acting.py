"""A small stack to which every action of a stack is done: groups, copies, and software on a server.

``version`` changes every member of the groups, the disk, the server and the software in place, ``size`` the
number of members of the scaling group.
"""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]

TRANSPORTS = ("CFN_SIGNAL", "HEAT_SIGNAL", "TEMP_URL_SIGNAL")
MEMBERS = 3
POLICIES = {"to_one": 1, "to_three": 3}
"""The sizes to which the policies bring the scaling group."""

ROLLING = {"max_batch_size": 1, "pause_time": 0.1}


def _ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


def _resource(kind: str, *needs: str, **properties: Any) -> dict[str, Any]:
    needed = {"depends_on": list(needs)} if needs else {}
    return {"type": kind, "properties": properties, **needed}


def _server(version: int) -> dict[str, Any]:
    return _resource(
        "OS::Nova::Server",
        image="cirros",
        flavor="m1.nano",
        networks=[{"port": _ref("port")}],
        metadata={"version": str(version)},
        user_data_format="SOFTWARE_CONFIG",
    )


def _disk(version: int) -> dict[str, Any]:
    return _resource("OS::Cinder::Volume", size=1, description=f"Version {version}")


def _groups(version: int, size: int) -> dict[str, Any]:
    port = _resource("OS::Neutron::Port", network=_ref("net"), name=f"member-%index%-{version}")
    rolling = {"rolling_update": {**ROLLING, "min_in_service": MEMBERS}, "batch_create": ROLLING}
    return {
        "rolled": _resource("OS::Heat::ResourceGroup", "subnet", count=MEMBERS, resource_def=port)
        | {"update_policy": rolling},
        "scaled": _resource(
            "OS::Heat::AutoScalingGroup",
            min_size=0,
            max_size=5,
            desired_capacity=size,
            resource=_disk(version),
            rolling_updates=ROLLING,
        ),
    }


def _policy(size: int) -> dict[str, Any]:
    return _resource(
        "OS::Heat::ScalingPolicy",
        auto_scaling_group_id=_ref("scaled"),
        adjustment_type="exact_capacity",
        scaling_adjustment=size,
        cooldown=0,
    )


def _software(version: int) -> dict[str, Any]:
    deployments = {
        f"by_{transport.partition('_')[0].lower()}": _resource(
            "OS::Heat::SoftwareDeployment",
            config=_ref("config"),
            server=_ref("server"),
            signal_transport=transport,
            actions=["CREATE", "UPDATE", "SUSPEND", "RESUME"],
        )
        for transport in TRANSPORTS
    }
    config = _resource("OS::Heat::SoftwareConfig", group="script", config=f"version {version}")
    return {"config": config, **deployments}


def template(version: int, size: int) -> Template:
    """The stack in a version and a size."""
    return {
        "heat_template_version": "2018-08-31",
        "resources": {
            "net": _resource("OS::Neutron::Net"),
            "subnet": _resource("OS::Neutron::Subnet", network=_ref("net"), cidr="10.1.0.0/24"),
            "port": _resource("OS::Neutron::Port", "subnet", network=_ref("net")),
            "disk": _disk(version),
            "server": _server(version),
            **_groups(version, size),
            **{policy: _policy(members) for policy, members in POLICIES.items()},
            **_software(version),
        },
        "outputs": {
            "size": {"value": {"get_attr": ["scaled", "current_size"]}},
            "rolled": {"value": {"get_attr": ["rolled", "attributes", "name"]}},
            "said": {"value": {"get_attr": ["by_cfn", "deploy_stdout"]}},
        },
    }
