"""Consoles: opened by a token that is in no address, and no longer than the right of who asked."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cumulo.compute.api import consoles
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.consoles import Consoles
from cumulo.core.db.transaction import DatabaseAway, Tx
from cumulo.core.faults import BadRequest
from tests.support.cloud import TestCloud, running_cloud

COMPUTE = "/compute/v2.1"


class Line:
    """A browser's websocket to a console."""

    def __init__(self, cloud: TestCloud, path: str, query: str, protocols: list[str]) -> None:
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"cloud.test")],
            "subprotocols": protocols,
            "client": ("127.0.0.1", 1),
        }
        application = cloud.cloud.application
        self.task = asyncio.create_task(application.asgi(scope, self.inbox.get, self.said.put))

    async def next(self, kind: str) -> Any:
        while (found := await asyncio.wait_for(self.said.get(), 10))["type"] != kind:
            pass
        return found


async def server_of(cloud: TestCloud) -> str:
    wish = {"name": "seen", "imageRef": cloud.image, "flavorRef": "1", "networks": "none"}
    headers = {"openstack-api-version": "compute 2.37"}
    made = await cloud.call("POST", f"{COMPUTE}/servers", json_={"server": wish}, headers=headers)
    assert made.status == 202, made.raw
    id = str(made.json["server"]["id"])
    await cloud.until(
        f"{COMPUTE}/servers/{id}", lambda answer: answer.json["server"]["status"] == "ACTIVE"
    )
    return id


async def token_of(cloud: TestCloud, server: str) -> str:
    wish = {"remote_console": {"protocol": "serial", "type": "serial"}}
    headers = {"openstack-api-version": "compute 2.6"}
    url = f"{COMPUTE}/servers/{server}/remote-consoles"
    made = await cloud.call("POST", url, json_=wish, headers=headers)
    assert made.status == 200, made.raw
    return str(made.json["remote_console"]["url"]).partition("token=")[2]


def test_a_token_is_said_in_the_address_or_beside_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            server = await server_of(cloud)
            token = await token_of(cloud, server)
            for query, protocols in (
                (f"token={token}", ["binary"]),
                (f"token={token}", []),
                ("", ["binary", f"token.{token}"]),
            ):
                line = Line(cloud, "/compute/console", query, protocols)
                accepted = await line.next("websocket.accept")
                # The token is no protocol that anybody would speak.
                assert accepted["subprotocol"] in ("binary", None)
                line.inbox.put_nowait({"type": "websocket.disconnect"})
                await asyncio.wait_for(line.task, 10)
            line = Line(cloud, "/compute/console", "", ["binary", "token.guess"])
            await line.next("websocket.close")

    asyncio.run(run())


@pytest.mark.parametrize("how", ["disabled", "password", "role", "deleted"])
def test_a_console_ends_with_the_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(consoles, "LOOK_SECONDS", 0.05)

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            server = await server_of(cloud)
            token = await token_of(cloud, server)
            line = Line(cloud, "/compute/console", f"token={token}", ["binary"])
            await line.next("websocket.accept")
            await asyncio.sleep(0.3)
            assert not line.task.done()
            found = await cloud.call("GET", "/identity/v3/users?name=demo", as_="admin")
            user = found.json["users"][0]["id"]
            url, project = f"/identity/v3/users/{user}", cloud.projects["demo"]
            if how == "role":
                given = f"/identity/v3/role_assignments?user.id={user}&scope.project.id={project}"
                roles = (await cloud.call("GET", given, as_="admin")).json["role_assignments"]
                for each in roles:
                    role = each["role"]["id"]
                    path = f"/identity/v3/projects/{project}/users/{user}/roles/{role}"
                    assert (await cloud.call("DELETE", path, as_="admin")).status == 204
            elif how == "deleted":
                gone = await cloud.call("DELETE", f"{COMPUTE}/servers/{server}")
                assert gone.status == 204
            else:
                change = {"enabled": False} if how == "disabled" else {"password": "other-one-9"}
                answer = await cloud.call("PATCH", url, as_="admin", json_={"user": change})
                assert answer.status == 200, answer.raw
            await line.next("websocket.close")
            await asyncio.wait_for(line.task, 10)
            # Nor does its token open another.
            again = Line(cloud, "/compute/console", f"token={token}", ["binary"])
            await again.next("websocket.close")

    asyncio.run(run())


def test_a_console_is_of_a_project(tmp_path: Path) -> None:
    """Of the right of others nobody could say when it ends, whatever an operator's rules allow."""

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            id = await server_of(cloud)
            who = cloud.cloud.services.identity.cached(await cloud.token("demo"))
            assert who is not None
            made = Consoles(cloud.cloud.services.identity)

            def asked(tx: Tx) -> None:
                server = tx.get(ServerRow, id)
                assert server is not None
                _, console = made.find(tx, made.begin(tx, server, "serial", who))
                console = replace(console, project_id=None)
                assert not made.holds(tx, console, server.host_id)
                with pytest.raises(BadRequest):
                    made.begin(tx, server, "serial", replace(who, project_id=None, system=True))

            await cloud.cloud.database.write(asked)

    asyncio.run(run())


def test_a_console_outlives_a_database_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a moment: then nobody knows whether it may be open."""
    monkeypatch.setattr(consoles, "LOOK_SECONDS", 0.05)

    async def away(function: Any) -> Any:
        raise DatabaseAway("a failover")

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            token = await token_of(cloud, await server_of(cloud))
            line = Line(cloud, "/compute/console", f"token={token}", ["binary"])
            await line.next("websocket.accept")
            with monkeypatch.context() as patch:
                patch.setattr(cloud.cloud.database, "read", away)
                await asyncio.sleep(0.3)
                assert not line.task.done()
            await asyncio.sleep(0.2)
            assert not line.task.done()
            with monkeypatch.context() as patch:
                patch.setattr(consoles, "UNSEEN_SECONDS", 0.2, raising=False)
                patch.setattr(cloud.cloud.database, "read", away)
                await line.next("websocket.close")
            await asyncio.wait_for(line.task, 10)

    asyncio.run(run())
