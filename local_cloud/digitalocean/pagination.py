"""Pages of a list, with DigitalOcean's `links` and `meta`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.datastructures import URL, QueryParams

from local_cloud.digitalocean.errors import BadRequestError

DEFAULT_PER_PAGE, LARGEST_PER_PAGE = 20, 200

Row = TypeVar("Row")


def paginate(url: URL, name: str, rows: Sequence[Row], view: Callable[[Row], Any]) -> dict[str, Any]:
    """The page that the URL asks for, as the body of an answer.

    Raises BadRequestError when `page` or `per_page` is no positive number.
    """
    query = QueryParams(url.query)
    page = _positive(query, "page", 1)
    per_page = min(_positive(query, "per_page", DEFAULT_PER_PAGE), LARGEST_PER_PAGE)
    last = max(1, -(-len(rows) // per_page))
    start = (page - 1) * per_page
    return {
        name: [view(row) for row in rows[start : start + per_page]],
        "links": {"pages": _pages(url, page, last)},
        "meta": {"total": len(rows)},
    }


def _pages(url: URL, page: int, last: int) -> dict[str, str]:
    targets: dict[str, int] = {}
    if page > 1:
        targets |= {"first": 1, "prev": min(page - 1, last)}
    if page < last:
        targets |= {"next": page + 1, "last": last}
    return {name: str(url.include_query_params(page=number)) for name, number in targets.items()}


def _positive(query: QueryParams, name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal() or int(value) < 1:
        raise BadRequestError(f"{name} must be a number of 1 or more, not {value!r}")
    return int(value)
