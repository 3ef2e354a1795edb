"""`/`: which services there are, and the OpenAPI document of all of them."""

from typing import Any

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Tx
from cumulo.core.http import faults
from cumulo.core.http.application import Application
from cumulo.core.http.openapi import document
from cumulo.core.http.operations import Call, Face, Operation


def root_face(application: Application, base_url: str, version: str) -> Face:
    def services(call: Call, tx: Tx) -> Any:
        mounted = [face for face in application.faces if face.mount]
        return {
            "cumulo": version,
            "auth_url": f"{base_url}/identity/v3",
            "services": {face.name: f"{base_url}{face.mount}" for face in mounted},
            "openapi": f"{base_url}/openapi.json",
        }

    def openapi(call: Call, tx: Tx) -> Any:
        return document([face for face in application.faces if face.mount], version)

    return Face(
        name="root",
        mount="",
        faults=faults.identity,
        rules=Rules({}),
        operations=[
            Operation("GET", "/", services, public=True),
            Operation("GET", "/openapi.json", openapi, public=True),
        ],
    )
