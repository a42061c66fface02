"""The Pulumi package schema of the facts. `pulumi import` needs it to write a program."""

import re
from typing import Any

from toolchain.plugins.base.facts import PackageFacts, Property, PropertyType, ResourceFacts


def schema(facts: PackageFacts, version: str) -> dict[str, Any]:
    """The schema as far as the facts go, in Pulumi's format (pulumi/pkg/codegen/schema/pulumi.json)."""
    types: dict[str, Any] = {}
    return {
        "name": facts.name,
        "version": version,
        "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
        "language": {"python": {"compatibility": "tfbridge20", "packageName": f"pulumi_{facts.name}"}},
        "config": {"variables": _fields(facts.config, types, facts.name, "")},
        "provider": {"type": "object", "inputProperties": _fields(facts.config, types, facts.name, "")},
        "resources": {token: _resource(each, types, facts.name) for token, each in facts.resources.items()},
        "types": types,
    }


def _resource(facts: ResourceFacts, types: dict[str, Any], package: str) -> dict[str, Any]:
    owner = facts.token.rsplit(":", 1)[-1]
    inputs = _fields(facts.inputs, types, package, owner)
    return {
        "type": "object",
        "inputProperties": inputs,
        "requiredInputs": sorted(name for name, each in facts.inputs.items() if each.required),
        "properties": {**inputs, **_fields(facts.computed, types, package, owner)},
    }


def _fields(properties: Any, types: dict[str, Any], package: str, owner: str) -> dict[str, Any]:
    return {name: _field(name, each, types, package, owner) for name, each in properties.items()}


def _field(name: str, each: Property, types: dict[str, Any], package: str, owner: str) -> dict[str, Any]:
    spec = _type(each.type, types, package, owner + _singular(name))
    if each.replace:
        spec["willReplaceOnChanges"] = True
    if each.secret:
        spec["secret"] = True
    return spec


def _type(type_: PropertyType, types: dict[str, Any], package: str, name: str) -> dict[str, Any]:
    if isinstance(type_, list):
        kind, inner = type_
        key, spelled = ("items", "array") if kind == "list" else ("additionalProperties", "object")
        return {"type": spelled, key: _type(inner, types, package, name)}
    if isinstance(type_, dict):
        token = f"{package}:index/{name}:{name}"
        types[token] = {
            "type": "object",
            "properties": {
                field: _type(inner, types, package, name + _singular(field))
                for field, inner in type_["object"].items()
            },
            "required": sorted(type_["required"]),
        }
        return {"$ref": f"#/types/{token}"}
    return {"$ref": type_} if "#" in type_ else {"type": type_}


def _singular(name: str) -> str:
    """`inboundRules` as part of a type's name: `InboundRule`."""
    stem = re.sub(r"(?<=ss)es$|(?<!s)s$", "", name)
    return stem[:1].upper() + stem[1:]
