"""What ends a program: a message for the user, and the exit code.

ToolError
    RequestFailed     no answer
    RequestRefused    an answer, with a status or a code that means failure
"""


class ToolError(Exception):
    """Something that the user can put right."""

    exit_code = 1


class RequestFailed(ToolError):
    """No answer came."""

    def __init__(self, message: str, exit_code: int = 1, connected: bool = True) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.connected = connected


class RequestRefused(ToolError):
    """The server answered that it does not do what was asked for."""

    exit_code = 22

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
