"""Assets and archives as the engine sends them: objects with a signature, a hash and contents."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from toolchain.plugins.base.values import SIGNATURE, Properties

ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"  # pragma: allowlist secret
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"  # pragma: allowlist secret


def is_asset(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(SIGNATURE) == ASSET


def is_archive(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(SIGNATURE) == ARCHIVE


def file_asset(path: Path) -> Properties:
    """The asset of a file, with the hash that the engine would give it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {SIGNATURE: ASSET, "hash": digest, "path": str(path)}


def archive_of(assets: Mapping[str, Properties]) -> Properties:
    """An archive of these assets. The engine computes its hash where it needs one."""
    return {SIGNATURE: ARCHIVE, "assets": dict(assets)}


def by_contents(value: Any) -> Any:
    """The value with each asset and archive in it reduced to its hash: where it lies makes no difference."""
    if isinstance(value, Mapping):
        if (is_asset(value) or is_archive(value)) and value.get("hash"):
            return {SIGNATURE: value[SIGNATURE], "hash": value["hash"]}
        return {key: by_contents(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [by_contents(item) for item in value]
    return value
