"""Junk in every body, path and query of every operation: a clear refusal, never a 500."""

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.http.operations import Face, Operation
from tests.support.cloud import TestCloud, running_cloud

JUNK: tuple[Any, ...] = (
    None,
    "",
    "x",
    "\x00",
    "é" * 300,
    -1,
    0,
    2**70,
    1.5,
    True,
    [],
    [None],
    ["x"],
    {},
    {"x": "y"},
    {"id": None},
    "00000000-0000-4000-8000-000000000000",
)
QUERIES = (
    "limit=x",
    "limit=-1",
    "limit=99999999999999999999",
    "marker=nope",
    "sort_key=nope",
    "sort=a:b:c",
    "sort_dir=up",
    "%00=%ff",
    "name=%00",
    "fields=nope",
    "changes-since=x",
)
PATHS = ("x", "00000000-0000-4000-8000-000000000000", "%00", "..", "é" * 50)


def bodies(operation: Operation) -> Iterator[bytes]:
    """Bodies that no client should send."""
    yield from (b"", b"{", b"null", b"[]", b"{}", b'"x"', b"\xff")
    kind = operation.body
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return
    names = [info.encode_name for info in msgspec.structs.fields(kind)]
    for name, value in itertools.product(names, JUNK):
        yield json.dumps({name: value}).encode()
    for info in msgspec.structs.fields(kind):
        for inner in structs_in(info.type):
            for field, value in itertools.product(msgspec.structs.fields(inner), JUNK):
                yield json.dumps({info.encode_name: {field.encode_name: value}}).encode()


def structs_in(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for part in getattr(hint, "__args__", ()):
        yield from structs_in(part)


def operations(cloud: TestCloud) -> Iterator[tuple[Face, Operation]]:
    for face in cloud.cloud.application.faces:
        for operation in face.operations:
            # Feeds and sockets have no end.
            if operation.kind not in ("feed", "socket"):
                yield face, operation


async def ask(
    cloud: TestCloud, face: Face, operation: Operation, value: str, query: str, body: bytes
) -> str:
    """Send it as the admin at the newest version; what is wrong with the answer, if anything."""
    path = re.sub(r"\{\w+\}", value, face.mount + face.prefixes[0] + operation.path)
    headers = {"content-type": "application/json"}
    if face.microversions is not None:
        headers["openstack-api-version"] = f"{face.microversions.service_type} latest"
    target = path + (f"?{query}" if query else "")
    answer = await cloud.call(operation.method, target, as_="admin", headers=headers, body=body)
    if answer.status >= 500 and answer.status != 501:
        return f"{operation.method} {target} {body[:200]!r}: {answer.status} {answer.raw[:200]!r}"
    return ""


def test_no_body_is_a_500(tmp_path: Path) -> None:
    async def main() -> list[str]:
        wrong = []
        async with running_cloud(tmp_path) as cloud:
            for face, operation in operations(cloud):
                if operation.method not in ("POST", "PUT", "PATCH"):
                    continue
                for body in bodies(operation):
                    wrong.append(await ask(cloud, face, operation, "nothing", "", body))
        assert len(wrong) > 500
        return [text for text in wrong if text]

    wrong = asyncio.run(main())
    assert not wrong, f"{len(wrong)} of them: " + "\n".join(wrong[:20])


def test_no_path_and_no_query_is_a_500(tmp_path: Path) -> None:
    async def main() -> list[str]:
        wrong = []
        async with running_cloud(tmp_path) as cloud:
            for face, operation in operations(cloud):
                if operation.method not in ("GET", "DELETE"):
                    continue
                for value in PATHS:
                    wrong.append(await ask(cloud, face, operation, value, "", b""))
                for query in QUERIES if operation.method == "GET" else ():
                    wrong.append(await ask(cloud, face, operation, "x", query, b""))
        assert len(wrong) > 500
        return [text for text in wrong if text]

    wrong = asyncio.run(main())
    assert not wrong, f"{len(wrong)} of them: " + "\n".join(wrong[:20])
