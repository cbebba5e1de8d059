"""AWS::RDS::DBInstance, a database on an instance of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.base import Child, Members, NestedType
from stackd.resources.constraints import one_of
from stackd.resources.heat.members import is_member_attribute, member_attribute, no_attribute
from stackd.resources.heat.template_resource import as_parameter
from stackd.resources.registry import resource_type
from stackd.resources.rules import is_set
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.functions.refs import select
from stackd.template.unknown import Unknown

_CLASSES: Final = {
    "db.m1.small": "m1.small",
    "db.m1.medium": "m1.medium",
    "db.m1.large": "m1.large",
    "db.m1.xlarge": "m1.xlarge",
}
"""Flavors of the classes that AWS has; any other class is a flavor itself."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_LINE: Final = re.compile(r"[\x20-\x7e]+")
_PARAMETERS: Final = ("DBName", "MasterUsername", "KeyName", "Port")


class DBInstanceProps(Properties):
    """Properties of ``AWS::RDS::DBInstance``."""

    groups: list[Any] | None = prop(
        "Names or ids of security groups.", name="DBSecurityGroups", update=IN_PLACE
    )
    storage: str = prop(
        "Size in GB; it has no effect, as the flavor decides it.",
        name="AllocatedStorage",
        required=True,
        update=IN_PLACE,
    )
    instance_class: str = prop(
        "Class of the instance, or a flavor.", name="DBInstanceClass", required=True, update=IN_PLACE
    )
    database: str = prop("Name of the database.", name="DBName", required=True, update=IN_PLACE)
    engine: str = prop(
        "Kind of the database.", name="Engine", required=True, update=IN_PLACE, constraints=[one_of("MySQL")]
    )
    user: str = prop("Name of its user.", name="MasterUsername", required=True, update=IN_PLACE)
    password: str = prop("Password of the user.", name="MasterUserPassword", required=True, update=IN_PLACE)
    port: str | None = prop("Port, 3306 when left out.", name="Port", update=IN_PLACE)
    key: str | None = prop("Key pair to log in with.", name="KeyName", update=IN_PLACE)


@resource_type("AWS::RDS::DBInstance")
class DBInstance(NestedType[DBInstanceProps]):
    """A MySQL database and its user, on an instance that is made for it.

    It is a stack. Its image is the parameter `DBImageId`, for which `parameter_defaults` of an environment
    give a value. Its name, user and password can be changed; another class resizes the instance.
    """

    checkable = True
    attributes: ClassVar = {
        "Endpoint.Address": attr("Address of the database.", "any"),
        "Endpoint.Port": attr("Port of the database.", "any"),
    }

    def validate(self, props: DBInstanceProps) -> None:
        """Names and password are such that they can stand in a statement of SQL."""
        for name in ("DBName", "MasterUsername"):
            _check(props.data[name], name, _NAME, "Use letters, digits and underscores.")
        _check(props.data["MasterUserPassword"], "MasterUserPassword", _LINE, "Use printable characters.")
        port = props.data["Port"]
        if isinstance(port, str) and port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise PropertyError(
                f"'{port:.20}' is no port.", path="properties.Port", remedy="Give it a number up to 65535."
            )

    def child(
        self, resource: Resource, props: DBInstanceProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """The stack of the instance, with what is to be set up."""
        data = props.data
        given = {name: data[name] for name in _PARAMETERS}
        given["DBSecurityGroups"] = as_parameter(data["DBSecurityGroups"])
        given["Flavor"] = _flavor(data["DBInstanceClass"])
        given["MasterUserPassword"] = _quoted(data["MasterUserPassword"])
        return Child(_template(), {name: value for name, value in given.items() if is_set(value)})

    def reference(self, resource: Resource) -> Any:
        """The stack's ARN."""
        return resource.data.get("arn") or resource.physical_id or resource.name

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """Where the database is."""
        if is_member_attribute(name):
            return member_attribute(resource, name, path, members)
        if name not in self.attributes:
            raise no_attribute(resource, name)
        return select(members.output(resource, name), path)


@cache
def _template() -> str:
    return Path(__file__).with_name("db_instance.yaml").read_text()


def _check(value: Any, name: str, wanted: re.Pattern[str], remedy: str) -> None:
    if isinstance(value, str) and not wanted.fullmatch(value):
        raise PropertyError(f"{name} cannot be this one.", path=f"properties.{name}", remedy=remedy)


def _flavor(instance_class: Any) -> Any:
    return (
        instance_class
        if isinstance(instance_class, Unknown)
        else _CLASSES.get(instance_class, instance_class)
    )


def _quoted(password: Any) -> Any:
    """A password as it stands between quotes in SQL."""
    if not isinstance(password, str):
        return password
    return password.replace("\\", "\\\\").replace("'", "''")
