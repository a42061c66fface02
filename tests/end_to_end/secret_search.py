"""Every secret of a run, and every place where none may be."""

import json
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECRET_MARK = "4dabf18193072939515e22adb298388d"  # pragma: allowlist secret
"""The key by which the engine's checkpoints mark a secret (pulumi/sdk, resource.SigKey)."""
SECRET_NAMES = frozenset({"key", "password", "privateKey", "secretKey"})
"""Of properties: a mesh key's, and those of databases' users."""
INTERVAL = 0.02
FIRST_LOOKS = 50
"""A process may become another in its first second: so often it is looked at, and then once a second."""


@dataclass
class ProcessList:
    """Every command line of the machine, its containers' included, looked at again and again in a thread."""

    seen: set[bytes] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "ProcessList":
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """For good; what was seen stays."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        looks: dict[str, int] = {}
        while not self._stop.wait(INTERVAL):
            pids = (entry.name for entry in os.scandir("/proc") if entry.name.isdigit())
            looks = {pid: looks.get(pid, 0) + 1 for pid in pids}
            for pid, count in looks.items():
                if count <= FIRST_LOOKS or count % FIRST_LOOKS == 0:
                    with suppress(OSError):  # it has ended
                        self.seen.add(Path(f"/proc/{pid}/cmdline").read_bytes())


def in_state(exported: Mapping[str, Any]) -> set[str]:
    """Keys and passwords of a checkpoint that was exported with `--show-secrets`, by their names there."""
    return set(_named(exported["deployment"]["resources"]))


def _named(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for name, each in value.items():
                text = _plaintext(each)
                if name in SECRET_NAMES and isinstance(text, str):
                    yield text
                else:
                    yield from _named(text)
        case list():
            for each in value:
                yield from _named(each)


def _plaintext(value: Any) -> Any:
    if isinstance(value, dict) and SECRET_MARK in value and "plaintext" in value:
        return json.loads(value["plaintext"])
    return value


def found_in_text(secrets: Iterable[str], text: bytes) -> list[str]:
    """Which of the secrets are there, told by their first three letters."""
    return [f"{secret[:3]}… ({len(secret)} letters)" for secret in secrets if secret.encode() in text]


def found_in_files(secrets: Iterable[str], *folders: Path, but: Iterable[Path] = ()) -> list[str]:
    """The files below the folders that have one of the secrets in them. `but` are those that may."""
    excluded = {path.resolve() for path in but}
    patterns = "\n".join(sorted(secrets))
    # The patterns go in by standard input: as arguments they would be on the process list.
    command = ["grep", "--recursive", "--files-with-matches", "--fixed-strings", "--text", "--devices=skip"]
    done = subprocess.run(
        [*command, "--file=-", "--", *map(str, folders)],
        input=patterns,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1, 2), done.stderr
    files = [Path(line) for line in done.stdout.splitlines()]
    return [str(file) for file in files if not any(file.resolve().is_relative_to(path) for path in excluded)]
