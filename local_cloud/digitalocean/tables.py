"""The rows of the local cloud's state. One SQLite file holds every account's."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON, datetime: DateTime()}  # noqa: RUF012


class Owned:
    """What belongs to an account; nobody else can see it."""

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)


class Sequence(Base):
    __tablename__ = "sequence"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str]
    number: Mapped[int]
    name: Mapped[str]
    token_digest: Mapped[str] = mapped_column(unique=True)
    droplet_limit: Mapped[int]
    rate_limit: Mapped[int | None]


class SshKey(Owned, Base):
    __tablename__ = "ssh_key"
    __table_args__ = (UniqueConstraint("account_id", "fingerprint"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    public_key: Mapped[str]
    fingerprint: Mapped[str]


class Tag(Owned, Base):
    __tablename__ = "tag"
    __table_args__ = (UniqueConstraint("account_id", "folded_name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded_name: Mapped[str]


class Tagging(Owned, Base):
    __tablename__ = "tagging"
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    resource_type: Mapped[str] = mapped_column(primary_key=True)
    resource_id: Mapped[str] = mapped_column(primary_key=True)
    order: Mapped[int]


class Project(Owned, Base):
    __tablename__ = "project"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    purpose: Mapped[str]
    environment: Mapped[str]
    is_default: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ProjectResource(Owned, Base):
    __tablename__ = "project_resource"
    urn: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    assigned_at: Mapped[datetime]


class Vpc(Owned, Base):
    __tablename__ = "vpc"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    region: Mapped[str]
    ip_range: Mapped[str]
    default: Mapped[bool]
    created_at: Mapped[datetime]


class NatGateway(Owned, Base):
    __tablename__ = "nat_gateway"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    region: Mapped[str]
    size: Mapped[int]
    state: Mapped[str]
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpc.id"), index=True)
    default_gateway: Mapped[bool]
    public_address: Mapped[str]
    udp_timeout_seconds: Mapped[int]
    icmp_timeout_seconds: Mapped[int]
    tcp_timeout_seconds: Mapped[int]
    project_id: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Droplet(Owned, Base):
    """`status` is what DigitalOcean shows (new, active, off); `deleting` hides it until it is really gone."""

    __tablename__ = "droplet"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    region: Mapped[str]
    size: Mapped[str]
    disk_gib: Mapped[int]
    image: Mapped[str]
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpc.id"), index=True)
    private_address: Mapped[str]
    public_address: Mapped[str | None]
    status: Mapped[str]
    deleting: Mapped[bool]
    monitoring: Mapped[bool]
    agent: Mapped[bool]
    user_data: Mapped[str | None]
    public_keys: Mapped[list[Any]]
    created_at: Mapped[datetime]


class Firewall(Owned, Base):
    __tablename__ = "firewall"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    inbound_rules: Mapped[list[Any]]
    outbound_rules: Mapped[list[Any]]
    droplet_ids: Mapped[list[Any]]
    tags: Mapped[list[Any]]
    created_at: Mapped[datetime]


class Volume(Owned, Base):
    __tablename__ = "volume"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    region: Mapped[str]
    size_gib: Mapped[int]
    description: Mapped[str]
    filesystem_type: Mapped[str]
    filesystem_label: Mapped[str]
    droplet_id: Mapped[int | None] = mapped_column(ForeignKey("droplet.id"), index=True)
    created_at: Mapped[datetime]


class DatabaseCluster(Owned, Base):
    __tablename__ = "database_cluster"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    engine: Mapped[str]
    version: Mapped[str]
    region: Mapped[str]
    size: Mapped[str]
    storage_size_mib: Mapped[int]
    status: Mapped[str]
    deleting: Mapped[bool]
    vpc_id: Mapped[str] = mapped_column(ForeignKey("vpc.id"), index=True)
    private_address: Mapped[str]
    public_address: Mapped[str]
    hostname: Mapped[str]
    admin_user: Mapped[str]
    admin_password: Mapped[str]
    maintenance_window: Mapped[dict[str, Any]]
    config: Mapped[dict[str, Any]]
    eviction_policy: Mapped[str]
    rules: Mapped[list[Any]]
    created_at: Mapped[datetime]


class DatabaseUser(Base):
    __tablename__ = "database_user"
    cluster_id: Mapped[str] = mapped_column(ForeignKey("database_cluster.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    password: Mapped[str]


class Database(Base):
    __tablename__ = "database"
    cluster_id: Mapped[str] = mapped_column(ForeignKey("database_cluster.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class Action(Owned, Base):
    """Work in the background. DigitalOcean shows droplets' and volumes' (`public`); of the rest only states.

    `kind` names the work to do ("droplet.create"), so that a restart can take it up again.
    """

    __tablename__ = "action"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    public: Mapped[bool]
    resource_type: Mapped[str]
    resource_id: Mapped[str] = mapped_column(index=True)
    region: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    params: Mapped[dict[str, Any]]
    error: Mapped[str | None]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
