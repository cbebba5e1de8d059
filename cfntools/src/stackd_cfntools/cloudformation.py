"""The two actions of the CloudFormation API that guests use."""

import json
from typing import Any, Dict, NamedTuple

from stackd_cfntools.errors import ToolError
from stackd_cfntools.query import QueryClient

VERSION = "2010-05-15"
SERVICE = "cloudformation"


class Detail(NamedTuple):
    """What the server says of a resource."""

    metadata: Dict[str, Any]
    physical_id: str


def describe_resource(client: QueryClient, stack: str, resource: str) -> Detail:
    """The metadata and the physical id of a resource."""
    root = client.call("DescribeStackResource", {"StackName": stack, "LogicalResourceId": resource})
    detail = root.find("DescribeStackResourceResult/StackResourceDetail")
    if detail is None:
        raise ToolError("the server's answer about {}/{} has no details".format(stack, resource))
    text = detail.findtext("Metadata") or "{}"
    try:
        metadata = json.loads(text)
    except ValueError as error:
        raise ToolError("the metadata of {}/{} is no JSON: {}".format(stack, resource, error)) from error
    if not isinstance(metadata, dict):
        raise ToolError("the metadata of {}/{} is no map".format(stack, resource))
    return Detail(metadata, detail.findtext("PhysicalResourceId") or "")


def signal_resource(client: QueryClient, stack: str, resource: str, unique_id: str, success: bool) -> None:
    """Signal a resource."""
    client.call(
        "SignalResource",
        {
            "StackName": stack,
            "LogicalResourceId": resource,
            "UniqueId": unique_id,
            "Status": "SUCCESS" if success else "FAILURE",
        },
    )
