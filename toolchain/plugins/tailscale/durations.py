"""Durations as Go writes them: `90s`, `1m30s`, `1.5h`."""

import re

from toolchain.plugins.base.errors import ProviderError

SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds(text: str) -> float:
    """The duration in seconds. Raises ProviderError."""
    parts = PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ProviderError(f'"{text}" is no duration; write 90s, or 2m')
    return sum(float(count) * SECONDS[unit] for count, unit in parts)
