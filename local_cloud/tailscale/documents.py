"""Settings that are one document each: read with defaults for what was never set, and written whole."""

from typing import TypeVar

from pydantic import BaseModel

from local_cloud.tailscale.calls import Call
from local_cloud.tailscale.tables import Setting

Document = TypeVar("Document", bound=BaseModel)


def stored(call: Call, name: str, shape: type[Document]) -> Document:
    row = call.session.get(Setting, name)
    return shape.model_validate(row.value if row else {})


def store(call: Call, name: str, document: BaseModel) -> None:
    call.session.merge(Setting(name=name, value=document.model_dump(by_alias=True)))
