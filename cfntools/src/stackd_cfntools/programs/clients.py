"""The clients of the two APIs, by the options of a command."""

import argparse
import logging
from typing import Any, Dict, Optional

from stackd_cfntools import cloudformation, credentials, endpoints, metadata
from stackd_cfntools.endpoints import Endpoint
from stackd_cfntools.errors import RequestFailed, RequestRefused, ToolError
from stackd_cfntools.programs.options import given_credentials
from stackd_cfntools.query import Api, QueryClient
from stackd_cfntools.retries import passing
from stackd_cfntools.signing import Key, Scope
from stackd_cfntools.stats import push
from stackd_cfntools.system import System
from stackd_cfntools.web import Web, trusted

log = logging.getLogger(__name__)


def web_of(system: System, arguments: argparse.Namespace, endpoint: Optional[Endpoint] = None) -> Web:
    """What sends requests: to an API, whose configuration may say whom to trust, or to anybody."""
    pairs = (("http", arguments.http_proxy), ("https", arguments.https_proxy))
    proxies = {scheme: url for scheme, url in pairs if url}
    bundle = endpoint.bundle if endpoint else None
    insecure = getattr(arguments, "insecure", False) or (endpoint.insecure if endpoint else False)
    if insecure:
        log.warning("TLS is not verified")
    return Web(trusted(system.environ, arguments.ca, bundle, insecure), proxies or None)


def cloudformation_client(system: System, arguments: argparse.Namespace, key: Key) -> QueryClient:
    """The client of the CloudFormation API; raises ToolError if its URL is not known."""
    found = endpoints.cloudformation(system, arguments.url)
    endpoint = endpoints.required(found, "cfn-metadata-server")
    return _client(system, arguments, endpoint, key, cloudformation.SERVICE, cloudformation.VERSION)


def cloudwatch_client(system: System, arguments: argparse.Namespace, key: Key) -> QueryClient:
    """The client of the CloudWatch API; raises ToolError if its URL is not known."""
    endpoint = endpoints.required(endpoints.cloudwatch(system, arguments.url), "cfn-watch-server")
    return _client(system, arguments, endpoint, key, push.SERVICE, push.VERSION)


def _client(
    system: System, arguments: argparse.Namespace, endpoint: Endpoint, key: Key, service: str, version: str
) -> QueryClient:
    api = Api(endpoint.url, version, Scope(arguments.region, service), arguments.signature_version)
    return QueryClient(system, web_of(system, arguments, endpoint), api, key)


def current_metadata(system: System, arguments: argparse.Namespace) -> Dict[str, Any]:
    """The metadata of the resource: the server's if it is known and answers, else the machine's."""
    key = credentials.credentials(system, given_credentials(arguments))
    if key is None or not (arguments.stack and arguments.resource):
        return metadata.stored(system, arguments.resource)
    client = cloudformation_client(system, arguments, key)
    try:
        return cloudformation.describe_resource(client, arguments.stack, arguments.resource).metadata
    except (RequestFailed, RequestRefused) as error:
        if not passing(error):
            raise
        return _fallback(system, arguments, error)


def _fallback(system: System, arguments: argparse.Namespace, error: ToolError) -> Dict[str, Any]:
    try:
        found = metadata.stored(system, arguments.resource)
    except ToolError:
        raise error from None
    log.warning("%s; the metadata that this machine has is used", error)
    return found
