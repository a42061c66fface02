"""The vault's unseal key and root token: made once, kept in a file that only root reads.

There is one share of the key, for all of it would lie in this one file anyway.
"""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import hvac
from hvac.exceptions import InvalidRequest

from local_cloud.hypervisor.certificates import write_private
from local_cloud.hypervisor.model import HypervisorError


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What opens the vault."""

    unseal: str = field(repr=False)
    root_token: str = field(repr=False)


class KeyFile:
    """`init.json` in `directory`. It outlives any crash, or nothing that it opens has ever been used.

    The server makes the keys and tells them once. A crash before they are written leaves data that nobody
    can open and nobody has used, and the mark that was set before says so: such data is dropped.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / "init.json"
        self._mark = directory / "initialising"

    def drop_what_was_never_used(self, data: Path) -> None:
        """To be called before the server starts."""
        if self._mark.exists() and not self._file.exists() and data.exists():
            shutil.rmtree(data)
        self._mark.unlink(missing_ok=True)

    def open(self, client: hvac.Client) -> Keys:
        """Unseal this server, which is initialised when it is new; the keys it was opened with.

        Raises HypervisorError when it is initialised and its keys are lost.
        """
        keys = self.read() if client.sys.is_initialized() else self._initialise(client)
        try:
            client.sys.submit_unseal_key(keys.unseal)
        except InvalidRequest as error:
            raise self._lost("holds the key of another vault") from error
        return keys

    def _initialise(self, client: hvac.Client) -> Keys:
        self._mark.touch()
        answer = client.sys.initialize(secret_shares=1, secret_threshold=1)
        keys = Keys(unseal=answer["keys_base64"][0], root_token=answer["root_token"])
        content = {"unseal_key": keys.unseal, "root_token": keys.root_token}
        write_private(self._file, json.dumps(content).encode())
        _flush(self._file)
        self._mark.unlink()
        return keys

    def read(self) -> Keys:
        """Raises HypervisorError when they are lost."""
        try:
            content = json.loads(self._file.read_text())
            return Keys(unseal=content["unseal_key"], root_token=content["root_token"])
        except FileNotFoundError:
            raise self._lost("is not there") from None
        except (ValueError, KeyError, TypeError):
            # Without the cause, which may quote what the file holds.
            raise self._lost("does not hold what it should") from None

    def _lost(self, reason: str) -> HypervisorError:
        return HypervisorError(
            f"the vault can't be unsealed: {self._file} {reason}. Put its keys back there, or give up what "
            "the vault holds: `python -m local_cloud reset`"
        )


def _flush(file: Path) -> None:
    """Onto the disk, its content and its name: a power failure must not take it."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
