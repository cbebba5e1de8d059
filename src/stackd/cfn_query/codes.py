"""The codes of errors that clients of AWS APIs know, and the exception that carries one."""

from __future__ import annotations

from dataclasses import dataclass

from stackd.errors import StackdError


@dataclass(frozen=True, slots=True)
class Code:
    """A code, its HTTP status, and the message of an error that has none of its own."""

    name: str
    status: int
    explanation: str

    @property
    def type(self) -> str:
        """Whose fault an error is."""
        return "Sender" if self.status < 500 else "Server"


VALIDATION = Code("ValidationError", 400, "The request is not valid.")
INVALID_ACTION = Code("InvalidAction", 400, "The action is not valid for this web service.")
MISSING_ACTION = Code("MissingAction", 400, "The request must contain the parameter Action.")
MISSING_PARAMETER = Code("MissingParameter", 400, "A required parameter is missing.")
BAD_COMBINATION = Code("InvalidParameterCombination", 400, "Parameters that exclude each other are used.")
MALFORMED_QUERY = Code("MalformedQueryString", 400, "The query string is malformed.")
NO_ROUTE = Code("MalformedQueryString", 404, "There is nothing at this path.")
WRONG_METHOD = Code("InvalidAction", 400, "The path does not take requests with this method.")
INCOMPLETE_SIGNATURE = Code(
    "IncompleteSignature", 400, "The request signature does not conform to AWS standards."
)
EXPIRED = Code("RequestExpired", 400, "The time of the request is too far from that of the server.")
NO_ACCESS_KEY = Code("MissingAuthenticationToken", 403, "The request must contain a valid access key id.")
UNKNOWN_KEY = Code("InvalidClientTokenId", 403, "The access key of the request is not known.")
WRONG_SIGNATURE = Code(
    "SignatureDoesNotMatch",
    403,
    "The signature of the request does not match the one that its secret key makes.",
)
ACCESS_DENIED = Code("AccessDenied", 403, "User is not authorized to perform action")
ALREADY_EXISTS = Code("AlreadyExistsException", 400, "It already exists.")
NO_CAPABILITIES = Code(
    "InsufficientCapabilitiesException", 400, "The template has resources that need an acknowledgement."
)
TOKEN_REUSED = Code("TokenAlreadyExistsException", 400, "Another request had the same token.")
NO_CHANGE_SET = Code("ChangeSetNotFound", 404, "The change set does not exist.")
UNFIT_CHANGE_SET = Code("InvalidChangeSetStatus", 400, "The change set is not in the status for this.")
TOO_LARGE = Code("RequestLimitExceeded", 400, "Payload size exceeds maximum allowed size.")
UNAVAILABLE = Code("ServiceUnavailable", 503, "Service temporarily unavailable")
FAILURE = Code("InternalFailure", 500, "The request processing has failed due to an internal error.")

BARE = (ACCESS_DENIED, UNAVAILABLE, FAILURE)
"""Codes whose details are not for callers, but where a `Refused` gives them."""


class Refused(StackdError):
    """A request is refused with a code of AWS."""

    code = 400

    def __init__(self, code: Code, message: str = "") -> None:
        super().__init__(message or code.explanation)
        self.aws_code = code
