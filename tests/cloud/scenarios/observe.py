"""What the cloud's own services say of some objects: python observe.py KIND=ID...

Runs with the Python of the cloud's clients and their SDK, as a program of its own: the tests share
no code with what they judge. Prints a JSON object with the fields of each, null for one that does not exist.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import openstack
from openstack.exceptions import NotFoundException

# How the SDK finds an object of each kind by its id.
FINDERS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "container": lambda cloud: cloud.object_store.get_container_metadata,
    "floating_ip": lambda cloud: cloud.network.get_ip,
    "group": lambda cloud: cloud.identity.get_group,
    "image": lambda cloud: cloud.image.get_image,
    "keypair": lambda cloud: cloud.compute.get_keypair,
    "network": lambda cloud: cloud.network.get_network,
    "port": lambda cloud: cloud.network.get_port,
    "project": lambda cloud: cloud.identity.get_project,
    "role": lambda cloud: cloud.identity.get_role,
    "router": lambda cloud: cloud.network.get_router,
    "security_group": lambda cloud: cloud.network.get_security_group,
    "server": lambda cloud: cloud.compute.get_server,
    "server_group": lambda cloud: cloud.compute.get_server_group,
    "subnet": lambda cloud: cloud.network.get_subnet,
    "user": lambda cloud: cloud.identity.get_user,
    "volume": lambda cloud: cloud.block_storage.get_volume,
}


def observe(cloud: Any, kind: str, identity: str) -> dict[str, Any] | None:
    """The object's fields; None when the service knows no such object."""
    try:
        found = FINDERS[kind](cloud)(identity)
    except NotFoundException:
        return None
    # A container's metadata is left out of its dictionary.
    return {"metadata": found.metadata} | found.to_dict() if kind == "container" else found.to_dict()


if __name__ == "__main__":
    connection = openstack.connect()
    pairs = (argument.partition("=") for argument in sys.argv[1:])
    told = {f"{kind}={identity}": observe(connection, kind, identity) for kind, _, identity in pairs}
    json.dump(told, sys.stdout, default=str)
