"""The parts of the process that the CloudFormation API uses."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from stackd.auth.signatures import SignatureValidator
from stackd.auth.tokens import TokenValidator
from stackd.engine.usecases.engine import Engine
from stackd.settings import Settings

ROUTE = "stackd.route"
"""The key in a request's ASGI scope of the route that its line in the log shows, instead of the path."""


@dataclass(frozen=True, slots=True)
class CfnFront:
    """Settings, engine, and what checks tokens and signatures."""

    settings: Settings
    engine: Engine
    tokens: TokenValidator
    signatures: SignatureValidator


def front_of(request: Request) -> CfnFront:
    """The parts that the application was made with."""
    front: CfnFront = request.app.state.front
    return front
