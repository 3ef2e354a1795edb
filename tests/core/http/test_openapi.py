"""The OpenAPI document of the whole cloud."""

import asyncio
import json
from pathlib import Path
from typing import Any

from cumulo.core.http.responses import stray_lines
from tests.support.cloud import running_cloud


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
    references = {word for word in json.dumps(document).split('"') if word.startswith("#/")}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= known
