"""The properties of OS::Zun::Container, and their forms in the API."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from stackd.errors import PropertyError
from stackd.resources.constraints import custom, one_of
from stackd.resources.context import JSON
from stackd.resources.rest import renamed
from stackd.resources.rules import is_set, known
from stackd.resources.schema import IN_PLACE, Properties, prop

_RESTART: Final = re.compile(r"(no|always|unless-stopped|on-failure)(?::(\d+))?")
_COUNTED: Final = "on-failure"


class Mount(Properties):
    """An entry of ``mounts``."""

    volume_id: str | None = prop("Name or id of the volume to mount.", find="cinder.volume")
    volume_size: int | None = prop("Size in GB of a volume that is made, and goes with the container.")
    mount_path: str = prop("Path of the volume in the container.", required=True)


class ContainerNetwork(Properties):
    """An entry of ``networks``."""

    network: str | None = prop("Name or id of the network to connect to.", find="neutron.network")
    fixed_ip: str | None = prop("Address to have in the network.", constraints=[custom("ip_addr")])
    port: str | None = prop("Name or id of a port to use.", find="neutron.port")


class ContainerProps(Properties):
    """Properties of a container."""

    name: str | None = prop("Name of the container.", update=IN_PLACE)
    image: str = prop("Name or id of the image.", required=True)
    command: str | None = prop("What is run in the container, with its arguments as a shell parts them.")
    cpu: float | None = prop("Number of CPUs, which may be a part of one.", update=IN_PLACE)
    memory: int | None = prop("Memory in MiB.", update=IN_PLACE)
    environment: dict[str, Any] | None = prop("Variables of the environment.")
    workdir: str | None = prop("Directory in which the command is run.")
    labels: dict[str, Any] | None = prop("Labels of the container.")
    image_pull_policy: str | None = prop(
        "When the image is fetched.", constraints=[one_of("ifnotpresent", "always", "never")]
    )
    restart_policy: str | None = prop(
        "When a container that ended is started again: no, always, unless-stopped, or on-failure, which may "
        "be followed by a colon and how often at most."
    )
    interactive: bool | None = prop("Whether the input of the command stays open.")
    tty: bool | None = prop("Whether the command has a terminal.", since="14.0.0")
    image_driver: str | None = prop("Where the image is.", constraints=[one_of("docker", "glance")])
    hints: dict[str, Any] | None = prop("Hints for the choice of a host.", since="10.0.0")
    hostname: str | None = prop("Host name in the container.", since="10.0.0")
    security_groups: list[Any] = prop(
        "Names or ids of the security groups of the ports that are made.", default=[], since="10.0.0"
    )
    mounts: list[Mount] | None = prop("Volumes in the container.")
    networks: list[ContainerNetwork] | None = prop(
        "What the container is connected to; the service chooses when it is left out.",
        update=IN_PLACE,
        since="11.0.0",
    )


# --- rules --------------------------------------------------------------------------------------------


def check(props: ContainerProps) -> None:
    """What the service would refuse, or could not carry out."""
    if command := known(props.command):
        try:
            shlex.split(command)
        except ValueError as error:
            raise _wrong(f"The command cannot be parted: {error}.", "command") from None
    policy = known(props.restart_policy)
    found = _RESTART.fullmatch(policy) if policy else None
    if policy and (found is None or (found[2] and found[1] != _COUNTED)):
        raise _wrong(f"There is no restart_policy {policy}.", "restart_policy")
    for index, mount in enumerate(known(props.mounts) or ()):
        if is_set(mount.volume_id) == is_set(mount.volume_size):
            raise _wrong("A mount has either a volume_id or a volume_size.", f"mounts[{index}]")
    for index, entry in enumerate(known(props.networks) or ()):
        if not is_set(entry.network) and not is_set(entry.port):
            raise _wrong("A network or a port must be given.", f"networks[{index}]")
        if is_set(entry.port) and is_set(entry.fixed_ip):
            raise _wrong("A port has its address: fixed_ip is for networks.", f"networks[{index}]")


def _wrong(message: str, name: str) -> PropertyError:
    return PropertyError(message, path=f"properties.{name}", remedy=f"Change {name.partition('[')[0]}.")


# --- forms --------------------------------------------------------------------------------------------


def restart_policy(text: str) -> JSON:
    """A policy with the number of its repetitions, which is a text; 0 for no limit."""
    name, _, count = text.partition(":")
    return {"Name": name, "MaximumRetryCount": count or "0"}


def mounts(entries: Sequence[Mapping[str, Any]]) -> list[JSON]:
    """The volumes, and the sizes of those to make, as texts."""
    names = {"volume_id": "source", "volume_size": "size", "mount_path": "destination"}
    return [{key: str(value) for key, value in renamed(each, names).items()} for each in entries]


def nets(entries: Sequence[Mapping[str, Any]]) -> list[JSON]:
    """The networks and ports of a new container: a port needs no network besides it."""
    return [_net(each) for each in entries]


def _net(entry: Mapping[str, Any]) -> JSON:
    if entry.get("port"):
        return {"port": entry["port"]}
    address = entry.get("fixed_ip")
    family = "v6-fixed-ip" if address and ":" in address else "v4-fixed-ip"
    return {"network": entry["network"]} | ({family: address} if address else {})
