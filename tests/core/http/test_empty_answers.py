"""Nothing is said of the type of an answer without a body, by any operation of any service:
clients that read "JSON" try to read it, and end with an error after what has worked."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.http.operations import Call, Reply
from tests.support.cloud import running_cloud

_ACTION = '{{"{}": {{}}}}'
RETURNED: dict[str, tuple[Callable[[], Any], int | None]] = {
    "nothing": (lambda: None, None),
    "a status": (lambda: Reply(202), 202),
    "elsewhere": (lambda: Reply(303, headers={"Location": "/there"}), 303),
    "not modified": (lambda: Reply(304, raw=b""), 304),
    "no bytes": (lambda: Reply(200, raw=b""), 200),
}


@pytest.mark.parametrize("returned", RETURNED)
def test_no_operation_says_a_type_of_nothing(returned: str, tmp_path: Path) -> None:
    make, status = RETURNED[returned]
    asyncio.run(_ask_all(tmp_path, make, status))


async def _ask_all(data_dir: Path, make: Callable[[], Any], status: int | None) -> None:
    async def run(call: Call, raw: bytes) -> Any:
        return make()

    async with running_cloud(data_dir) as cloud:
        application = cloud.cloud.application
        application.execution.run = run  # type: ignore[method-assign]
        application.load.count = lambda who: None  # type: ignore[method-assign]
        asked, faces = 0, set()
        for face in application.faces:
            for operation in face.operations:
                if operation.kind == "socket":
                    continue
                path = face.mount + face.prefixes[0] + re.sub(r"\{[^}]+\}", "x", operation.path)
                if operation.query:
                    path += f"?{operation.query}"
                headers = {} if face.mount else {"authorization": "AWS4-HMAC-SHA256 x"}
                if face.microversions is not None:
                    known = face.microversions
                    headers["openstack-api-version"] = f"{known.service_type} {known.maximum}"
                body = _ACTION.format(operation.action).encode() if operation.action else b""
                answer = await cloud.request(operation.method, path, headers=headers, body=body)
                if answer.status >= 400:
                    # Gone in the newest version of the interface, and the like: not called.
                    continue
                asked += 1
                faces.add(face.name)
                assert answer.raw == b""
                assert "content-type" not in answer.headers, (operation.method, path)
                assert status is None or answer.status == status
                if answer.status not in (204, 304):
                    assert answer.headers["content-length"] == "0"
        assert asked > 800
        assert {face.name for face in application.faces} - faces == set()


def test_a_head_tells_what_its_get_would(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            token = await cloud.token("demo")
            named = {"x-subject-token": token}
            for path in ("/identity/v3/auth/tokens", "/identity/v3", "/identity/v3/auth/projects"):
                got = await cloud.call("GET", path, headers=named)
                head = await cloud.call("HEAD", path, headers=named)
                assert got.status == head.status == 200 and head.raw == b""
                for name in ("content-type", "content-length"):
                    assert head.headers[name] == got.headers[name], path
            # An object of no bytes has the type that its owner said.
            base = f"/object-store/v1/AUTH_{cloud.projects['demo']}/box"
            assert (await cloud.call("PUT", base)).status in (201, 202)
            told = {"content-type": "application/json", "content-length": "0"}
            assert (await cloud.call("PUT", base + "/none", headers=told)).status == 201
            for method in ("GET", "HEAD"):
                answer = await cloud.call(method, base + "/none")
                assert answer.status == 200 and answer.raw == b""
                assert answer.headers["content-type"] == "application/json"

    asyncio.run(main())
