"""Times, as rows keep them (naive, UTC) and as DigitalOcean writes them."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def written_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else written(moment)
