"""The OpenAPI document of the whole cloud."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from cumulo.core.auth.policy import Rules
from cumulo.core.http import faults, openapi
from cumulo.core.http.operations import Face, Operation
from cumulo.core.http.responses import response_of, stray_lines
from tests.support.cloud import running_cloud


def face(name: str, speaks: Literal["json", "octets"], response: Any) -> Face:
    operation = Operation("GET", "/", lambda call: None, public=True, response=response)
    return Face(
        name=name,
        mount="",
        faults=faults.identity,
        rules=Rules({}),
        operations=[operation],
        speaks=speaks,
    )


def test_operations_say_what_they_answer(tmp_path: Path) -> None:
    async def main() -> Counter[str]:
        found: Counter[str] = Counter()
        async with running_cloud(tmp_path) as cloud:
            for face in cloud.cloud.application.faces:
                for operation in face.operations:
                    found[face.name] += response_of(face, operation) is None
        return +found

    found = asyncio.run(main())
    assert found == {}, "operations whose answers nobody has written down, by their face"


def test_every_operation_is_in_the_document(tmp_path: Path) -> None:
    async def main() -> tuple[Any, int]:
        async with running_cloud(tmp_path) as cloud:
            answer = await cloud.call("GET", "/openapi.json", as_=None)
            assert answer.status == 200
            for face in cloud.cloud.application.faces:
                assert not stray_lines(face)
            mounted = [face for face in cloud.cloud.application.faces if face.mount]
            routes = {
                (face.mount + face.prefixes[0] + operation.path, operation.method)
                for face in mounted
                for operation in face.operations
            }
            return answer.json, len(routes)

    document, count = asyncio.run(main())
    found = [(path, method) for path, methods in document["paths"].items() for method in methods]
    assert document["openapi"].startswith("3.1")
    assert len(found) == count
    servers = document["paths"]["/compute/v2.1/servers"]["post"]
    assert "os_compute_api:servers:create" in servers["x-policies"]
    networks = document["paths"]["/network/v2.0/networks"]["get"]["responses"]["200"]
    assert networks["content"]["application/json"]["schema"]["$ref"].endswith("NetworksAnswer")
    # Two faces share a path: a page for browsers, JSON for others.
    both = openapi.document(
        [face("page", "octets", None), face("facts", "json", dict[str, str])], "0"
    )["paths"]["/"]["get"]["responses"]["200"]["content"]
    assert set(both) == {"*/*", "application/json"}
    references = {word for word in json.dumps(document).split('"') if word.startswith("#/")}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= known
