"""What belongs to the account: tags, SSH keys, projects and what is in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.digitalocean.api import Api, Json
from toolchain.plugins.digitalocean.collection import Collection

EMPTYING_SECONDS = 180.0
"""How long the official provider retries to delete a project whose resources are still leaving it."""
OTHER_PURPOSE = "Other: "
"""What DigitalOcean puts before a purpose that isn't one of its own."""
KINDS = {
    "dropletsCount": "droplets",
    "imagesCount": "images",
    "volumesCount": "volumes",
    "volumeSnapshotsCount": "volume_snapshots",
    "databasesCount": "databases",
}


class Tag(Collection):
    token = "digitalocean:index/tag:Tag"
    group, envelope, plural = "tags", "tag", "tags"

    def identify(self, thing: Json, inputs: Mapping[str, Any]) -> str:
        del inputs
        return str(thing["name"])

    def state(self, thing: Json) -> Properties:
        used = thing.get("resources") or {}
        counts = {name: (used.get(kind) or {}).get("count", 0) for name, kind in KINDS.items()}
        return {"name": thing["name"], "totalResourceCount": used.get("count", 0), **counts}


class SshKey(Collection):
    token = "digitalocean:index/sshKey:SshKey"
    group, envelope, plural = "ssh_keys", "ssh_key", "ssh_keys"

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        del state
        return self.state(self.api.call("ssh_keys.update", id, {"name": inputs["name"]})["ssh_key"])

    def same(self, name: str, old: Any, new: Any) -> bool:
        return name == "publicKey" and str(old or "").strip() == str(new or "").strip()


class Project(Collection):
    token = "digitalocean:index/project:Project"
    group, envelope, plural = "projects", "project", "projects"
    operations = {"update": "patch"}
    defaults = {"purpose": "Web Application"}
    kept = frozenset({"resources"})
    unsent = frozenset({"resources", "isDefault"})

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        del olds
        known = ("development", "staging", "production")
        if isinstance(chosen := inputs.get("environment"), str) and chosen.lower() not in known:
            return {
                "environment": f'"{chosen}" is no environment; known are Development, Staging, Production'
            }
        return {}

    def same(self, name: str, old: Any, new: Any) -> bool:
        return name == "environment" and str(old or "").lower() == str(new or "").lower()

    def finish(self, thing: Json, inputs: Properties) -> None:
        if inputs.get("isDefault"):
            self.api.call("projects.patch", thing["id"], {"is_default": True})
        assign(self.api, thing["id"], inputs.get("resources") or [])

    def state(self, thing: Json) -> Properties:
        purpose = str(thing.get("purpose", "")).removeprefix(OTHER_PURPOSE)
        return {**super().state(thing), "purpose": purpose, "resources": resources_of(self.api, thing["id"])}

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        body = {**self.body(inputs), "description": inputs.get("description", "")}
        if "isDefault" in inputs:
            body["is_default"] = inputs["isDefault"]
        self.api.call("projects.patch", id, body)
        if "resources" in inputs:
            move(self.api, id, state.get("resources") or [], inputs["resources"])
        return self.state(self.expect(id, state))

    def delete(self, id: str, state: Properties) -> None:
        if self.get(id, state) is None:
            return
        release(self.api, resources_of(self.api, id))

        def attempt() -> bool | None:
            try:
                Collection.delete(self, id, state)
            except ApiError as error:
                if error.status == 412:
                    return None
                raise
            return True

        self.api.waiter.until(f"project {id} to be empty", attempt, seconds=EMPTYING_SECONDS)


class ProjectResources(Collection):
    """Some of a project's resources; others may be put there elsewhere. Its id is the project's."""

    token = "digitalocean:index/projectResources:ProjectResources"
    group, envelope = "projects", "project"

    def create(self, inputs: Properties) -> Reading:
        project = inputs["project"]
        self.expect(project, {})
        assign(self.api, project, inputs["resources"])
        return Reading(project, {})

    def read(self, id: str, state: Properties) -> Reading | None:
        if self.get(id, state) is None:
            return None
        there = resources_of(self.api, id)
        ours = [urn for urn in state["resources"] if urn in there] if "resources" in state else there
        return Reading(id, {"project": id, "resources": ours})

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        move(self.api, id, state.get("resources") or [], inputs["resources"])
        return {}

    def delete(self, id: str, state: Properties) -> None:
        if self.get(id, state) is not None:
            there = resources_of(self.api, id)
            release(self.api, [urn for urn in state.get("resources") or [] if urn in there])


def resources_of(api: Api, project: str) -> list[str]:
    """The URNs (`do:droplet:1`) of what is in a project."""
    return [str(each["urn"]) for each in api.items("projects.list_resources", "resources", project)]


def move(api: Api, project: str, old: Iterable[str], new: Iterable[str]) -> None:
    """Change what a project holds; what leaves it goes to the default project, as it must be in one."""
    release(api, sorted(set(old) - set(new)))
    assign(api, project, sorted(set(new) - set(old)))


def assign(api: Api, project: str, urns: Iterable[str]) -> None:
    """Put things into a project. Raises ProviderError naming one that isn't there."""
    if wanted := list(urns):
        answer = api.call("projects.assign_resources", project, {"resources": wanted})
        _check_assigned(answer)


def release(api: Api, urns: Iterable[str]) -> None:
    """Put things back into the default project, as far as they still exist."""
    if wanted := list(urns):
        api.call("projects.assign_resources_default", {"resources": wanted})


def _check_assigned(answer: Json) -> None:
    for each in answer.get("resources") or []:
        if each.get("status") not in ("ok", "assigned", "already_assigned"):
            raise ProviderError(f"{each.get('urn')} could not be put into the project: {each.get('status')}")
