"""A droplet's user-data, read as cloud-init reads it, so that rules can judge it by its structure.

Paths and options are repeated here on purpose: a rule that took them from `components` would agree with every
mistake there.
"""

import base64
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

HEADER = "#cloud-config"
KEY_FILE = "/run/tenantry-mesh-key"
"""The one place where user-data may hold a secret: the key, of one use, by which the host joins the mesh."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LARGEST = 4 * 1024 * 1024
"""Bytes of a compressed file that are looked at; DigitalOcean takes 64 KiB of user-data in all."""

_PACKED = frozenset({"gz", "gzip", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64"})
_BASE64 = frozenset({"b64", "base64", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64"})


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """An entry of `write_files`. `text` is None when its content can't be decoded."""

    path: str
    text: str | None = field(repr=False)
    permissions: str
    keys: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class CloudConfig:
    """`files` are in the order that they are written in.

    `rest` is the document as it is written, without the mesh's key and without contents that were decoded.
    """

    config: Mapping[Any, Any] = field(repr=False)
    files: tuple[WrittenFile, ...] = field(repr=False)
    rest: str = field(repr=False)

    def file(self, path: str) -> WrittenFile | None:
        """The file at a path, when it is written just once."""
        found = [each for each in self.files if each.path == path]
        return found[0] if len(found) == 1 else None

    def text(self, path: str) -> str:
        """What is in the file at a path; nothing when there is none that can be read."""
        found = self.file(path)
        return (found.text or "") if found else ""

    def texts(self, folder: str, suffix: str = "") -> Iterator[tuple[str, str]]:
        """The files right in a folder, as path and text, in the order of their names."""
        for each in sorted(self.files, key=lambda file: file.path):
            name = each.path.removeprefix(f"{folder}/")
            if name != each.path and "/" not in name and name.endswith(suffix):
                yield each.path, each.text or ""

    @property
    def key(self) -> str | None:
        """What stands in the mesh key's place, when there is just one such place."""
        found = self.file(KEY_FILE)
        return found.text if found else None

    def everything_else(self) -> Iterator[str]:
        """All texts that the document has, decoded where they are encoded, but for the mesh's key."""
        yield self.rest
        others = {**self.config, "write_files": None}
        yield from _texts(others)
        for each in self.files:
            if each.path != KEY_FILE or self.key is None:
                yield f"{each.path}\n{each.text or ''}"


@lru_cache(maxsize=8)  # all rules judge one droplet before the next
def cloud_config(text: str) -> CloudConfig | None:
    """The document, or None when it is no cloud-config that can be read."""
    if text.splitlines()[:1] != [HEADER]:
        return None
    try:
        if not _is_plain(text):
            return None
        loader = _Loader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode) or _has_twins(node):
            return None
        config: Mapping[Any, Any] = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    entries = config.get("write_files") or ()
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        return None
    files = tuple(map(_written, entries))
    return CloudConfig(config=config, files=files, rest=_rest(text, node, files))


def _is_plain(text: str) -> bool:
    """Whether it has neither tags nor anchors, by which one text may stand for another."""
    return not any(
        getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None
        for event in yaml.parse(text, Loader=_Loader)
    )


def _has_twins(node: yaml.Node) -> bool:
    """Whether a key is there twice: of two values only one counts, and the other one hides."""
    if isinstance(node, yaml.SequenceNode):
        return any(map(_has_twins, node.value))
    if not isinstance(node, yaml.MappingNode):
        return False
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    if len(set(keys)) < len(node.value):  # a key that is no scalar counts for one, too
        return True
    return any(_has_twins(value) for _, value in node.value)


def _written(entry: Mapping[Any, Any]) -> WrittenFile:
    return WrittenFile(
        path=str(entry.get("path", "")),
        text=_decoded(entry.get("content", ""), str(entry.get("encoding", "")).lower()),
        permissions=str(entry.get("permissions", "0644")),
        keys=frozenset(map(str, entry)),
    )


def _decoded(content: Any, encoding: str) -> str | None:
    if isinstance(content, str) and not encoding:
        return content
    try:
        data = content.encode() if isinstance(content, str) else bytes(content)
        if encoding in _BASE64:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        if encoding in _PACKED:
            data = _unpacked(data)
        elif encoding not in _BASE64 and encoding != "text/plain":
            return None
        return data.decode()
    except (ValueError, TypeError, zlib.error):
        return None


def _unpacked(data: bytes) -> bytes:
    """Raises ValueError when there is more than one stream, or too much in it."""
    unpacking = zlib.decompressobj(wbits=31)
    unpacked = unpacking.decompress(data, _LARGEST)
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("what is packed is not just one stream of a few megabytes")
    return unpacked


def _rest(text: str, document: yaml.MappingNode, files: Sequence[WrittenFile]) -> str:
    """A key is cut out by its place, and not when there are several: then one of them is too many."""
    contents = list(_contents(document))
    keys = [node for path, _, node in contents if path == KEY_FILE]
    readable = {file.path for file in files if file.text is not None}
    decoded = [node for path, encoded, node in contents if encoded and path in readable]
    for node in sorted({*decoded, *(keys if len(keys) == 1 else ())}, key=_end, reverse=True):
        text = text[: node.start_mark.index] + text[_end(node) :]
    return text


def _end(node: yaml.Node) -> int:
    return int(node.end_mark.index)


def _contents(document: yaml.MappingNode) -> Iterator[tuple[str, bool, yaml.Node]]:
    """Of each written file its path, whether it is encoded, and where in the document its content is."""
    for key, entries in document.value:
        if key.value != "write_files" or not isinstance(entries, yaml.SequenceNode):
            continue
        for entry in entries.value:
            values = {key.value: value for key, value in entry.value if isinstance(key, yaml.ScalarNode)}
            if "path" in values and "content" in values:
                yield str(values["path"].value), "encoding" in values, values["content"]


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in (*value, *value.values()):
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
