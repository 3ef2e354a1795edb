"""The OpenAPI document of the running cloud, made from the operations when somebody asks."""

from collections.abc import Iterable
from typing import Any

import msgspec

from cumulo.core.http.operations import Face
from cumulo.core.http.responses import NO_JSON, Empty, Octets, response_of
from cumulo.core.http.routes import field_names, plain_path


def document(faces: Iterable[Face], version: str) -> dict[str, Any]:
    faces = list(faces)
    kinds = {
        kind
        for face in faces
        for operation in face.operations
        for kind in (operation.body, response_of(face, operation))
        if kind is not None and kind not in NO_JSON
    }
    ordered = sorted(kinds, key=_name_of)
    schemas, components = msgspec.json.schema_components(
        ordered, ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for face in faces:
        for operation in face.operations:
            path = plain_path(face.mount + face.prefixes[0] + operation.path)
            known = paths.setdefault(path, {})
            method = operation.method.lower()
            entry = known.get(method)
            if entry is None:
                entry = known[method] = {
                    "tags": [face.name],
                    "summary": operation.title or f"{operation.method} {operation.path}",
                    "parameters": [
                        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                        for name in field_names(path)
                    ],
                    "responses": {str(operation.status): {"description": "success"}},
                }
            if operation.policy is not None:
                entry.setdefault("x-policies", []).append(operation.policy)
            if operation.action is not None:
                entry.setdefault("x-actions", []).append(operation.action)
            if operation.since is not None:
                entry["x-since"] = operation.since
            if operation.body is not None:
                _add_schema(entry.setdefault("requestBody", {}), schema_of[operation.body])
            response = response_of(face, operation)
            if response is Octets:
                # Beside JSON, where several operations share the path.
                told = entry["responses"].setdefault(
                    str(operation.status), {"description": "success"}
                )
                told.setdefault("content", {})["*/*"] = {"schema": {"type": "string"}}
            elif response is not None and response is not Empty:
                answers = entry["responses"]
                answer = answers.setdefault(str(operation.status), {"description": "success"})
                _add_schema(answer, schema_of[response])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cumulo", "version": version},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components},
    }


def _name_of(kind: Any) -> str:
    """A union (of a body and none) has no name of its own."""
    return f"{kind.__module__}.{getattr(kind, '__name__', kind)}"


def _add_schema(holder: dict[str, Any], schema: dict[str, Any]) -> None:
    """Actions share a path: their bodies, and their answers, are alternatives."""
    content = holder.setdefault("content", {})
    media = content.setdefault("application/json", {"schema": {}})
    if not media["schema"]:
        media["schema"] = schema
    elif "oneOf" in media["schema"]:
        if schema not in media["schema"]["oneOf"]:
            media["schema"]["oneOf"].append(schema)
    elif media["schema"] != schema:
        media["schema"] = {"oneOf": [media["schema"], schema]}
