"""Projects: each resource that can be in one is in exactly one, at first the default one."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import now
from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
)
from local_cloud.digitalocean.tables import (
    Account,
    DatabaseCluster,
    Droplet,
    Project,
    ProjectResource,
    Volume,
)

PURPOSES = (
    "Just trying out DigitalOcean",
    "Class project / Educational purposes",
    "Website or blog",
    "Web Application",
    "Service or API",
    "Mobile Application",
    "Machine learning / AI / Data processing",
    "IoT",
    "Operational / Developer tooling",
)
ASSIGNABLE = "AppPlatformApp Bucket Database Domain DomainRecord Droplet Firewall FloatingIp Image Kubernetes LoadBalancer MarketplaceApp Saas Volume"  # noqa: E501 - DigitalOcean's own words
TABLES: dict[str, type[Droplet | DatabaseCluster | Volume]] = {
    "droplet": Droplet,
    "dbaas": DatabaseCluster,
    "volume": Volume,
}
ABSENT = (
    "app",
    "bucket",
    "space",
    "domain",
    "floatingip",
    "reservedip",
    "image",
    "kubernetes",
    "loadbalancer",
)
PATHS = {"droplet": "droplets", "dbaas": "databases", "volume": "volumes"}


@dataclass(frozen=True)
class Urn:
    """do:droplet:1"""

    kind: str
    id: str

    @classmethod
    def parse(cls, text: str) -> "Urn":
        """Raises BadRequestError for what is no URN, or is one of something that no project takes."""
        fields = text.split(":")
        if len(fields) != 3 or fields[0] != "do" or not fields[2]:
            raise BadRequestError(f"{text!r} is no valid URN: it has the form do:resource_type:resource_id")
        if fields[1] not in TABLES and fields[1] not in ABSENT:
            raise BadRequestError(f"resource types must be one of the following: {ASSIGNABLE}")
        return cls(fields[1], fields[2])

    def __str__(self) -> str:
        return f"do:{self.kind}:{self.id}"


def make_default_project(cloud: Cloud, session: Session, account: Account) -> None:
    session.add(_new(cloud, session, account, account.name, PURPOSES[0], default=True))
    session.flush()


def purpose_of(text: str) -> str:
    """As DigitalOcean stores it: a purpose that isn't on its list is an "Other"."""
    return text if text in PURPOSES or text.startswith("Other: ") else f"Other: {text}"


def create_project(call: Call, name: str, purpose: str, description: str, environment: str) -> Project:
    """Raises ConflictError when the name is taken."""
    check_name_free(call, name)
    project = _new(call.cloud, call.session, call.account, name, purpose_of(purpose), default=False)
    project.description, project.environment = description, environment
    call.session.add(project)
    return project


def check_name_free(call: Call, name: str, but: str | None = None) -> None:
    taken = call.session.scalar(
        select(Project).where(Project.account_id == call.account.id, Project.name == name, Project.id != but)
    )
    if taken is not None:
        raise ConflictError(f"project name {name!r} is already in use")


def default_project(call: Call) -> Project:
    project = call.session.scalar(
        select(Project).where(Project.account_id == call.account.id, Project.is_default)
    )
    if project is None:
        raise NotFoundError
    return project


def find_project(call: Call, project_id: str) -> Project:
    return default_project(call) if project_id == "default" else call.own(Project, project_id)


def make_default(call: Call, project: Project) -> None:
    default_project(call).is_default = False
    project.is_default = True


def delete_project(call: Call, project: Project) -> None:
    """Raises PreconditionFailedError for one that has resources, and for the default one."""
    if project.is_default:
        raise PreconditionFailedError("cannot delete the default project")
    count = call.session.scalar(
        select(func.count()).select_from(ProjectResource).where(ProjectResource.project_id == project.id)
    )
    if count:
        raise PreconditionFailedError(
            "cannot delete a project with resources. To continue, first move the project's resources to "
            "another project."
        )
    call.session.delete(project)


def assign(call: Call, project: Project, urn: Urn) -> tuple[ProjectResource | None, str]:
    """The assignment, and DigitalOcean's word for how it went."""
    if not _exists(call, urn):
        return None, "not_found"
    resource = call.session.get(ProjectResource, str(urn))
    if resource is None:
        resource = ProjectResource(account_id=call.account.id, urn=str(urn), project_id=project.id)
        call.session.add(resource)
    elif resource.project_id == project.id:
        return resource, "already_assigned"
    resource.project_id, resource.assigned_at = project.id, now()
    return resource, "assigned"


def assign_new(call: Call, kind: str, resource_id: object, project_id: str | None = None) -> None:
    """Puts what was just made into its project, or the default one. Raises NotFoundError."""
    project = find_project(call, project_id) if project_id else default_project(call)
    call.session.flush()
    assign(call, project, Urn(kind, str(resource_id)))


def unassign(session: Session, kind: str, resource_id: object) -> None:
    resource = session.get(ProjectResource, str(Urn(kind, str(resource_id))))
    if resource is not None:
        session.delete(resource)


def project_of(call: Call, kind: str, resource_id: object) -> str:
    resource = call.session.get(ProjectResource, str(Urn(kind, str(resource_id))))
    return resource.project_id if resource else default_project(call).id


def resources_of(call: Call, project: Project) -> list[ProjectResource]:
    return list(
        call.session.scalars(
            select(ProjectResource)
            .where(ProjectResource.project_id == project.id)
            .order_by(ProjectResource.assigned_at, ProjectResource.urn)
        )
    )


def _exists(call: Call, urn: Urn) -> bool:
    if urn.kind in ABSENT or (urn.kind == "droplet" and not urn.id.isdecimal()):
        return False
    table: type[Droplet | DatabaseCluster | Volume] = TABLES[urn.kind]
    row = call.session.scalar(select(table).where(table.id == urn.id, table.account_id == call.account.id))
    return row is not None and not getattr(row, "deleting", False)


def _new(
    cloud: Cloud, session: Session, account: Account, name: str, purpose: str, *, default: bool
) -> Project:
    moment = now()
    return Project(
        id=cloud.ids.uuid(session, "project"),
        account_id=account.id,
        name=name,
        description="",
        purpose=purpose,
        environment="",
        is_default=default,
        created_at=moment,
        updated_at=moment,
    )
