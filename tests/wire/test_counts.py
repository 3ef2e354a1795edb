"""Bodies with lists as long as a body may be: refused before anything is done with their items."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.core.http.operations import Face, Operation
from cumulo.core.wire.depth import MOST_ITEMS, too_many
from tests.support.cloud import TestCloud, running_cloud
from tests.wire.test_junk import ask, operations, structs_in

MANY, LONG = 20_000, 3000
MOST_SECONDS = 0.4
"""Of processor time; a body of half a megabyte takes 10 to 100 ms to decode."""


def test_too_many() -> None:
    few = {str(n): [1, 2, 3] for n in range(900)}
    for value in ([0] * MOST_ITEMS, few, "," * 9999, [[1] * 999] * 9):
        assert not too_many(value, json.dumps(value).encode())
    for value in ([0] * (MOST_ITEMS + 1), {"a": [{str(n): 0 for n in range(1001)}]}):
        assert too_many(value, json.dumps(value).encode())


def lists(operation: Operation) -> Iterator[Any]:
    """Its body, with a long list in each of its fields in turn, at the top and one level below."""
    kind = operation.body
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return
    for info in msgspec.structs.fields(kind):
        yield {info.encode_name: ["10.1.2.3"] * LONG}
        for inner in structs_in(info.type):
            for field in msgspec.structs.fields(inner):
                if "list" in str(field.type) or "dict" in str(field.type):
                    item = {"name": "x"} if "Struct" in str(field.type) else "10.1.2.3"
                    yield {info.encode_name: {field.encode_name: [item] * LONG}}


def test_no_list_is_worked_through(tmp_path: Path) -> None:
    async def main() -> list[str]:
        wrong, asked = [], 0
        async with running_cloud(tmp_path) as cloud:
            for face, operation in operations(cloud):
                if operation.method not in ("POST", "PUT", "PATCH"):
                    continue
                for body in lists(operation):
                    asked += 1
                    wrong.append(await timed(cloud, face, operation, json.dumps(body).encode()))
            wrong += await of_network(cloud)
        assert asked > 200
        return [text for text in wrong if text]

    assert asyncio.run(main()) == []


async def timed(cloud: TestCloud, face: Face, operation: Operation, body: bytes) -> str:
    begun = time.process_time()
    wrong = await ask(cloud, face, operation, "nothing", "", body)
    taken = time.process_time() - begun
    if taken > MOST_SECONDS:
        return f"{operation.method} {operation.path} {body[:80]!r}: {taken:.2f} s"
    return wrong


async def of_network(cloud: TestCloud) -> list[str]:
    """Its attributes are free objects to the schema."""
    network = await cloud.private_network()
    pair, route = {"ip_address": "10.0.0.1"}, {"destination": "10.9.0.0/24", "nexthop": "10.0.0.9"}
    pool = {"start": "10.0.0.1", "end": "10.0.0.2"}
    wishes: list[tuple[str, dict[str, Any]]] = []
    for noun, name, item in (
        ("port", "allowed_address_pairs", pair),
        ("port", "fixed_ips", pair),
        ("port", "security_groups", network),
        ("port", "extra_dhcp_opts", {"opt_name": "a", "opt_value": "b"}),
        ("subnet", "allocation_pools", pool),
        ("subnet", "dns_nameservers", "10.0.0.1"),
        ("subnet", "host_routes", route),
        ("router", "routes", route),
        ("router", "availability_zone_hints", "x"),
        ("network", "availability_zone_hints", "x"),
    ):
        for count in (MANY, MOST_ITEMS):
            body = {"network_id": network, name: [item] * count}
            if noun in ("router", "network"):
                del body["network_id"]
            if noun == "subnet":
                body |= {"cidr": "10.77.0.0/16", "ip_version": 4}
            wishes.append((noun, body))
    wrong = []
    for noun, body in wishes:
        begun = time.process_time()
        answer = await cloud.call("POST", f"/network/v2.0/{noun}s", json_={noun: body})
        taken = time.process_time() - begun
        if answer.status not in (400, 404, 409, 413) or taken > MOST_SECONDS / 2:
            wrong.append(
                f"{noun} {str(body)[:90]}: {answer.status} {taken:.2f} {answer.raw[:90]!r}"
            )
    return wrong


@pytest.mark.parametrize("text", [b'{"a":' + b"9" * 5000 + b"}", b"[" + b"1e999," * 999 + b"1]"])
def test_numbers_without_end(tmp_path: Path, text: bytes) -> None:
    async def main() -> int:
        async with running_cloud(tmp_path) as cloud:
            body = b'{"network":{"mtu":' + text + b"}}"
            return (await cloud.call("POST", "/network/v2.0/networks", body=body)).status

    assert asyncio.run(main()) == 400
