"""The parts of the process that the Query APIs use, and the keys of what a request carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from stackd.auth.crypto import Cipher
from stackd.auth.signatures import SignatureValidator
from stackd.auth.tokens import TokenValidator
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.queries import Reader
from stackd.settings import Settings

ROUTE: Final = "stackd.route"
"""The key in a request's ASGI scope of the route that its line in the log shows, instead of the path."""
CALLER: Final = "stackd.caller"
"""The key of the caller, whose project that line shows."""
REQUEST_ID: Final = "stackd.request_id"
"""The key of the request's id."""
GLOBAL_REQUEST_ID: Final = "stackd.global_request_id"
"""The key of the id that the client gave the request."""
ACTION: Final = "stackd.cfn.action"
"""The key of the name of the action that is asked for."""
AS_JSON: Final = "stackd.cfn.json"
"""The key of whether the answer is to be JSON."""


@dataclass(frozen=True, slots=True)
class CfnFront:
    """Settings, engine with its cached queries, and what checks tokens and signatures and seals texts."""

    settings: Settings
    engine: Engine
    reader: Reader
    tokens: TokenValidator
    signatures: SignatureValidator
    cipher: Cipher


def front_of(request: Request) -> CfnFront:
    """The parts that the application was made with."""
    front: CfnFront = request.app.state.front
    return front
