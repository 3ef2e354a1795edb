"""`/`: which services there are, and the OpenAPI document of all of them."""

import functools
from typing import Any

import msgspec

from cumulo.core.auth.policy import Rules
from cumulo.core.http import faults
from cumulo.core.http.application import Application
from cumulo.core.http.openapi import document
from cumulo.core.http.operations import Call, Face, Operation, Reply


class Services(msgspec.Struct):
    cumulo: str
    """The release."""
    auth_url: str
    services: dict[str, str]
    """Each service's URL."""
    openapi: str


def root_face(application: Application, base_url: str, version: str) -> Face:
    def services(call: Call) -> Services:
        mounted = [face for face in application.faces if face.mount]
        return Services(
            cumulo=version,
            auth_url=f"{base_url}/identity/v3",
            services={face.name: f"{base_url}{face.mount}" for face in mounted},
            openapi=f"{base_url}/openapi.json",
        )

    @functools.cache
    def text() -> bytes:
        """Made once: it takes half a second, and anybody may ask."""
        mounted = [face for face in application.faces if face.mount]
        return msgspec.json.encode(document(mounted, version))

    def openapi(call: Call) -> Reply:
        return Reply(raw=text())

    return Face(
        name="root",
        mount="",
        faults=faults.identity,
        rules=Rules({}),
        operations=[
            Operation("GET", "/", services, public=True, kind="fixed", response=Services),
            Operation(
                "GET",
                "/openapi.json",
                openapi,
                public=True,
                kind="fixed",
                response=dict[str, Any],
            ),
        ],
    )
