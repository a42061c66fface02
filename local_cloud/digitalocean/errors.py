"""What the API answers when it can't do as asked, in DigitalOcean's shape: `{"id", "message", "request_id"}`.

ApiError
├── BadRequestError 400, UnauthorizedError 401, ForbiddenError 403, NotFoundError 404, ConflictError 409
├── PreconditionFailedError 412, UnprocessableEntityError 422, TooManyRequestsError 429
└── ServerError 500, NotImplementedHereError 501 (this local cloud lacks what DigitalOcean has)
"""

from typing import ClassVar


class ApiError(Exception):
    """An answer other than success; `message` is what the caller reads."""

    status: ClassVar[int] = 500
    id: ClassVar[str] = "server_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequestError(ApiError):
    status, id = 400, "bad_request"


class UnauthorizedError(ApiError):
    status, id = 401, "unauthorized"

    def __init__(self, message: str = "Unable to authenticate you") -> None:
        super().__init__(message)


class ForbiddenError(ApiError):
    status, id = 403, "forbidden"


class NotFoundError(ApiError):
    status, id = 404, "not_found"

    def __init__(self, message: str = "The resource you were accessing could not be found.") -> None:
        super().__init__(message)


class ConflictError(ApiError):
    status, id = 409, "conflict"


class PreconditionFailedError(ApiError):
    status, id = 412, "precondition_failed"


class UnprocessableEntityError(ApiError):
    status, id = 422, "unprocessable_entity"


class TooManyRequestsError(ApiError):
    status, id = 429, "too_many_requests"

    def __init__(self, message: str = "API Rate limit exceeded.") -> None:
        super().__init__(message)


class ServerError(ApiError):
    status, id = 500, "server_error"


class NotImplementedHereError(ApiError):
    """DigitalOcean has it, this local cloud doesn't; `what` names it."""

    status, id = 501, "not_implemented"

    def __init__(self, what: str) -> None:
        super().__init__(f"The local cloud has no {what}. See docs/local-cloud-coverage.md for what it has.")
