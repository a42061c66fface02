"""The rows of the tailnet's state: what headscale doesn't keep. No auth key is among them, nor any token."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, datetime: DateTime()}  # noqa: RUF012


class PolicyFile(Base):
    """One row. `untouched` is the default that nobody has replaced yet."""

    __tablename__ = "policy_file"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    untouched: Mapped[bool]


class Key(Base):
    """An auth key, an OAuth client or an API access token, by Tailscale's `keyType`.

    `digest` is of the secret that its holder shows to the API; auth keys are shown to headscale alone, which
    knows them as `mesh_key_id`. `issued_by` is the OAuth client of a token.
    """

    __tablename__ = "key"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    digest: Mapped[str | None] = mapped_column(unique=True)
    user_id: Mapped[str]
    description: Mapped[str]
    created: Mapped[datetime]
    expires: Mapped[datetime | None]
    revoked: Mapped[datetime | None]
    expiry_seconds: Mapped[int | None]
    scopes: Mapped[list[str]]
    tags: Mapped[list[str]]
    reusable: Mapped[bool] = mapped_column(default=False)
    ephemeral: Mapped[bool] = mapped_column(default=False)
    preauthorized: Mapped[bool] = mapped_column(default=False)
    mesh_key_id: Mapped[str | None]
    issued_by: Mapped[str | None] = mapped_column(ForeignKey("key.id"))


class Setting(Base):
    """A document of settings by its name: `dns`, `settings`."""

    __tablename__ = "setting"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class Webhook(Base):
    """Its secret is shown and not kept: nothing here signs with it."""

    __tablename__ = "webhook"
    id: Mapped[str] = mapped_column(primary_key=True)
    endpoint_url: Mapped[str]
    provider_type: Mapped[str]
    creator: Mapped[str]
    created: Mapped[datetime]
    last_modified: Mapped[datetime]
    subscriptions: Mapped[list[str]]
