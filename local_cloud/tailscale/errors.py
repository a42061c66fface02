"""What the API answers when it can't do as asked, in Tailscale's shape: `{"message", "data"?}`.

ApiError
├── BadRequestError 400, UnauthorizedError 401, ForbiddenError 403, NotFoundError 404, ConflictError 409
├── PreconditionFailedError 412
└── ServerError 500, NotImplementedHereError 501 (this local cloud lacks what Tailscale has)
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class ApiError(Exception):
    """An answer other than success; `message` and `data` are what the caller reads."""

    status: ClassVar[int] = 500

    def __init__(self, message: str, data: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.data = data

    @property
    def body(self) -> dict[str, Any]:
        return {"message": self.message, **({"data": list(self.data)} if self.data else {})}


class BadRequestError(ApiError):
    status = 400


class UnauthorizedError(ApiError):
    status = 401

    def __init__(self, message: str = "API token invalid") -> None:
        super().__init__(message)


class ForbiddenError(ApiError):
    status = 403

    def __init__(
        self, message: str = "calling actor does not have enough permissions to perform this function"
    ) -> None:
        super().__init__(message)


class NotFoundError(ApiError):
    status = 404

    def __init__(self, message: str = "not found") -> None:
        super().__init__(message)


class ConflictError(ApiError):
    status = 409


class PreconditionFailedError(ApiError):
    status = 412


class ServerError(ApiError):
    status = 500


class NotImplementedHereError(ApiError):
    """Tailscale has it, this local cloud doesn't; `what` names it."""

    status = 501

    def __init__(self, what: str) -> None:
        super().__init__(f"The local cloud has no {what}. See docs/tailscale-api.md for what it has.")
