"""Which error has which code, which the Query protocol has, shape, which the others have, and status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stackd.cfn_query import errors
from stackd.cfn_query.codes import Code
from stackd.errors import QueryFault, RequestLimitExceeded, StackdError

_SHAPES: Final = {
    "InvalidParameterValue": ("InvalidParameterValueException", 400),
    "MissingParameter": ("MissingRequiredParameterException", 400),
    "InvalidParameterCombination": ("InvalidParameterCombinationException", 400),
    "InvalidFormat": ("InvalidFormatFault", 400),
    "InvalidNextToken": ("InvalidNextToken", 400),
    "LimitExceeded": ("LimitExceededFault", 400),
    "ResourceNotFound": ("ResourceNotFound", 404),
    "ResourceNotFoundException": ("ResourceNotFoundException", 404),
    "ConcurrentModificationException": ("ConcurrentModificationException", 429),
    "InternalServiceError": ("InternalServiceFault", 500),
}
_NAMESPACE: Final = "com.amazonaws.cloudwatch"
_RENAMED: Final = {"InternalFailure": "InternalServiceError"}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as it is answered: code and shape, status, whose fault it is, and the text."""

    code: Code
    message: str

    @property
    def shape(self) -> str:
        """The name of the error for the protocols that have shapes."""
        name, _ = _SHAPES.get(self.code.name, (self.code.name, 0))
        return f"{_NAMESPACE}#{name}"

    @property
    def query_error(self) -> str:
        """The code of the Query protocol for clients of the others."""
        return f"{self.code.name};{'Sender' if self.code.status < 500 else 'Receiver'}"


def fault_of(raised: StackdError) -> Fault:
    """How an error is answered; what is not the client's fault is logged."""
    if isinstance(raised, QueryFault):
        _, status = _SHAPES.get(raised.fault, ("", 400))
        return Fault(Code(raised.fault, status, ""), raised.message)
    code, message = errors.described(raised)
    if isinstance(raised, RequestLimitExceeded):
        code, message = Code("RequestEntityTooLarge", 413, ""), raised.message
    return Fault(_renamed(code), message or code.explanation)


def _renamed(code: Code) -> Code:
    return Code(_RENAMED.get(code.name, code.name), code.status, code.explanation)


BROKEN: Final = Fault(Code("InternalServiceError", 500, ""), "The request could not be processed.")
