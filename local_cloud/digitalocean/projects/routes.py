"""/v2/projects."""

from typing import Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import select

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.clock import now, written
from local_cloud.digitalocean.projects import models
from local_cloud.digitalocean.service import Service
from local_cloud.digitalocean.tables import Project, ProjectResource

service = Service("API only")

Environment = Literal["Development", "Staging", "Production", ""]


class ProjectCreate(BaseModel):
    name: str = Field(min_length=1, max_length=175)
    purpose: str = Field(min_length=1, max_length=255)
    description: str = Field(default="", max_length=255)
    environment: Environment = ""


class ProjectPatch(BaseModel):
    name: str | None = Field(default=None, min_length=1, max_length=175)
    purpose: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=255)
    environment: Environment | None = None
    is_default: bool | None = None


class ProjectPut(ProjectPatch):
    name: str = Field(min_length=1, max_length=175)
    purpose: str = Field(min_length=1, max_length=255)
    description: str = Field(max_length=255)
    environment: Environment
    is_default: bool


class Resources(BaseModel):
    resources: list[str]


def view(call: Call, project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "owner_uuid": call.account.uuid,
        "owner_id": call.account.number,
        "name": project.name,
        "description": project.description,
        "purpose": project.purpose,
        "environment": project.environment,
        "is_default": project.is_default,
        "created_at": written(project.created_at),
        "updated_at": written(project.updated_at),
    }


def resource_view(call: Call, resource: ProjectResource, status: str) -> dict[str, Any]:
    urn = models.Urn.parse(resource.urn)
    return {
        "urn": resource.urn,
        "assigned_at": written(resource.assigned_at),
        "links": {"self": f"{call.request.base_url}v2/{models.PATHS[urn.kind]}/{urn.id}"},
        "status": status,
    }


@service.get("/v2/projects")
def index(call: Call) -> dict[str, Any]:
    mine = select(Project).where(Project.account_id == call.account.id).order_by(Project.created_at)
    return call.page("projects", call.session.scalars(mine).all(), lambda project: view(call, project))


@service.post("/v2/projects")
def create(call: Call, body: ProjectCreate) -> dict[str, Any]:
    project = models.create_project(call, body.name, body.purpose, body.description, body.environment)
    return {"project": view(call, project)}


@service.get("/v2/projects/{project_id}")
def get(call: Call, project_id: str) -> dict[str, Any]:
    return {"project": view(call, models.find_project(call, project_id))}


@service.put("/v2/projects/{project_id}")
def update(call: Call, project_id: str, body: ProjectPut) -> dict[str, Any]:
    return _change(call, project_id, body)


@service.patch("/v2/projects/{project_id}")
def patch(call: Call, project_id: str, body: ProjectPatch) -> dict[str, Any]:
    return _change(call, project_id, body)


def _change(call: Call, project_id: str, body: ProjectPatch) -> dict[str, Any]:
    project = models.find_project(call, project_id)
    if body.name is not None:
        models.check_name_free(call, body.name, but=project.id)
        project.name = body.name
    if body.purpose is not None:
        project.purpose = models.purpose_of(body.purpose)
    if body.description is not None:
        project.description = body.description
    if body.environment is not None:
        project.environment = body.environment
    if body.is_default:
        models.make_default(call, project)
    project.updated_at = now()
    return {"project": view(call, project)}


@service.delete("/v2/projects/{project_id}")
def delete(call: Call, project_id: str) -> None:
    models.delete_project(call, models.find_project(call, project_id))


@service.get("/v2/projects/{project_id}/resources")
def list_resources(call: Call, project_id: str) -> dict[str, Any]:
    found = models.resources_of(call, models.find_project(call, project_id))
    return call.page("resources", found, lambda resource: resource_view(call, resource, "ok"))


@service.post("/v2/projects/{project_id}/resources", 200)
def assign_resources(call: Call, project_id: str, body: Resources) -> dict[str, Any]:
    project = models.find_project(call, project_id)
    views: list[dict[str, Any]] = []
    for urn in [models.Urn.parse(text) for text in body.resources]:
        resource, status = models.assign(call, project, urn)
        views.append(
            resource_view(call, resource, status) if resource else {"urn": str(urn), "status": status}
        )
    return {"resources": views, "links": {"pages": {}}, "meta": {"total": len(views)}}
