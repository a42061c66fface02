"""Files and folders to another host, by SFTP."""

import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import paramiko

from toolchain.plugins.base.assets import by_contents, is_archive, is_asset
from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.facts import ResourceFacts
from toolchain.plugins.base.provider import Provider
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties, is_unknown
from toolchain.plugins.command.connection import Dialer, completed
from toolchain.plugins.command.lifecycle import ID_BYTES, Unreadable

NO_SOURCE = "must be a FileAsset, a StringAsset or a FileArchive"


class CopyToRemote(Unreadable):
    """Copies again when the source's contents or the path change. A deletion leaves the copy."""

    token = "command:remote:CopyToRemote"

    def __init__(self, facts: ResourceFacts, provider: Provider) -> None:
        super().__init__(facts, provider)
        self._dialer = Dialer(provider.waiter, provider.log)

    def completed(self, inputs: Properties) -> Properties:
        return completed(inputs)

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        del olds
        source: Any = inputs.get("source")
        if is_unknown(source) or (is_asset(source) and ("path" in source or "text" in source)):
            return {}
        if is_archive(source) and "path" in source:
            return {}
        return {"source": f'"source" {NO_SOURCE}'}

    def create(self, inputs: Properties) -> Reading:
        self._copy(inputs)
        return Reading(secrets.token_hex(ID_BYTES), {})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        old, new = ((by_contents(each["source"]), each["remotePath"]) for each in (state, inputs))
        if old != new:
            self._copy(inputs)
        return {}

    def delete(self, id: str, state: Properties) -> None:
        del id, state

    def _copy(self, inputs: Mapping[str, Any]) -> None:
        source, target = inputs["source"], PurePosixPath(inputs["remotePath"])
        with (
            self._dialer.connected(inputs["connection"]) as client,
            self.waiter.interrupting(client.close),
            closing(client.open_sftp()) as files,
        ):
            copier = Copier(files)
            if "text" in source:
                copier.text(source["text"], target)
            else:
                copier.any(source["path"], target)


class Copier:
    """Copies over one connection. Raises ProviderError naming the path that could not be written."""

    def __init__(self, files: paramiko.SFTPClient) -> None:
        self._files = files

    def text(self, text: str, target: PurePosixPath) -> None:
        if self._is_folder(target):
            raise ProviderError(f"{target} is a folder on the host; for a text, remotePath must name a file")
        with self._writing(target), self._files.open(str(target), "wb") as file:
            file.write(text.encode())

    def any(self, source: str, target: PurePosixPath) -> None:
        """A file or a folder, as `cp -r` would: a folder's trailing slash means what is in it."""
        path = Path(source)
        if not path.exists():
            raise ProviderError(f'"source": there is no {path}')
        if not path.is_dir():
            self._file(path, target / path.name if self._is_folder(target) else target)
            return
        self._make(target)
        into = target if source.endswith("/") else target / path.name
        self._folder(path, into)

    def _folder(self, source: Path, target: PurePosixPath) -> None:
        self._make(target)
        for each in sorted(source.iterdir()):
            copy = self._folder if each.is_dir() else self._file
            copy(each, target / each.name)

    def _file(self, source: Path, target: PurePosixPath) -> None:
        try:
            file = source.open("rb")
        except OSError as error:
            raise ProviderError(f'"source": {source} can\'t be read: {_said(error)}') from None
        with file, self._writing(target):
            self._files.putfo(file, str(target))

    def _make(self, target: PurePosixPath) -> None:
        if self._is_folder(target):
            return
        with self._writing(target):
            self._files.mkdir(str(target))

    def _is_folder(self, target: PurePosixPath) -> bool:
        try:
            return stat.S_ISDIR(self._files.stat(str(target)).st_mode or 0)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ProviderError(f"{target} can't be looked at on the host: {_said(error)}") from None

    @contextmanager
    def _writing(self, target: PurePosixPath) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise ProviderError(
                f"{target} can't be written on the host: there is no folder {target.parent}; make it first"
            ) from None
        except OSError as error:
            raise ProviderError(
                f"{target} can't be written on the host: {_said(error)}; check who owns it, and what is there"
            ) from None


def _said(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
