"""Errors that the service answers with.

StaError          any: a status and a message
├── BadRequestError    400, the URL or the body is at fault
├── UnknownError       404, there is no such resource
└── NotAllowedError    405, the resource does not do that
"""

from __future__ import annotations


class StaError(Exception):
    """An answer other than success.

    Parameters
    ----------
    message : one sentence for whoever sent the request.
    status : HTTP status.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class BadRequestError(StaError):
    """The URL or the body is at fault."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message, 400)


class UnknownError(StaError):
    """There is no such resource."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 404)


class NotAllowedError(StaError):
    """The resource does not do that."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 405)
