"""What the people of a domain may do: its manager and its reader, and nobody from next door."""

import asyncio
from pathlib import Path

from tests.identity.support import ask, give, made, role, token
from tests.support.cloud import running_cloud


def test_a_domain_manager_rules_its_domain_and_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine = await made(cloud, "domains", name="mine")
            other = await made(cloud, "domains", name="other")
            chief = await made(cloud, "users", name="chief", domain_id=mine, password="pw-chief")
            manager, member = await role(cloud, "manager"), await role(cloud, "member")
            admin = await role(cloud, "admin")
            await give(cloud, manager, chief, f"domains/{mine}")
            own = await token(cloud, chief, "pw-chief", {"domain": {"id": mine}})

            async def status(method: str, path: str, json_: object = None) -> int:
                return (await ask(cloud, own, method, path, json_)).status

            # Its own domain: projects, users, groups, and roles up to its own.
            answer = await ask(cloud, own, "POST", "/projects", {"project": {"name": "p"}})
            assert answer.status == 201 and answer.json["project"]["domain_id"] == mine
            project = answer.json["project"]["id"]
            answer = await ask(cloud, own, "POST", "/groups", {"group": {"name": "g"}})
            assert answer.status == 201 and answer.json["group"]["domain_id"] == mine
            group = answer.json["group"]["id"]
            answer = await ask(cloud, own, "POST", "/users", {"user": {"name": "u"}})
            assert answer.status == 403  # which domain, it has to say itself
            wanted = {"name": "u", "domain_id": mine}
            answer = await ask(cloud, own, "POST", "/users", {"user": wanted})
            assert answer.status == 201
            user = answer.json["user"]["id"]
            assert await status("PUT", f"/groups/{group}/users/{user}") == 204
            grant = f"/projects/{project}/users/{user}/roles"
            assert await status("PUT", f"{grant}/{member}") == 204
            assert await status("GET", grant) == 200
            assert await status("PUT", f"/domains/{mine}/groups/{group}/roles/{manager}") == 204
            assert await status("PUT", f"/projects/{project}/tags/red") == 201
            # Nobody gets more than the chief has.
            assert await status("PUT", f"{grant}/{admin}") == 403
            # Nor anything elsewhere.
            stranger = await made(cloud, "users", name="stranger", domain_id=other)
            there = await made(cloud, "projects", name="there", domain_id=other)
            assert (
                await status("PUT", f"/projects/{project}/users/{stranger}/roles/{member}") == 403
            )
            assert await status("PUT", f"/projects/{there}/users/{user}/roles/{member}") == 403
            assert await status("PUT", f"/system/users/{user}/roles/{member}") == 403
            assert await status("PUT", f"/groups/{group}/users/{stranger}") == 403
            assert await status("GET", f"/projects/{there}") == 403
            assert await status("GET", "/projects/nothing") == 403
            assert await status("DELETE", f"/users/{stranger}") == 403
            elsewhere = {"project": {"name": "x", "domain_id": other}}
            assert await status("POST", "/projects", elsewhere) == 403
            for parent in (other, there, "default"):
                below = {"project": {"name": "y", "parent_id": parent}}
                assert await status("POST", "/projects", below) == 403, parent
            assert await status("POST", "/domains", {"domain": {"name": "x"}}) == 403
            assert await status("PATCH", f"/domains/{mine}", {"domain": {"name": "x"}}) == 403

    asyncio.run(main())


def test_a_domain_managers_lists_show_its_domain(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine = await made(cloud, "domains", name="mine")
            chief = await made(cloud, "users", name="chief", domain_id=mine, password="pw-chief")
            member, admin = await role(cloud, "member"), await role(cloud, "admin")
            await give(cloud, await role(cloud, "manager"), chief, f"domains/{mine}")
            project = await made(cloud, "projects", name="p", domain_id=mine)
            group = await made(cloud, "groups", name="g", domain_id=mine)
            await made(cloud, "groups", name="g")
            await give(cloud, member, chief, f"projects/{project}")
            own = await token(cloud, chief, "pw-chief", {"domain": {"id": mine}})

            async def status(method: str, path: str) -> int:
                return (await ask(cloud, own, method, path)).status

            listed = (await ask(cloud, own, "GET", "/projects")).json["projects"]
            assert [each["id"] for each in listed] == [project]
            listed = (await ask(cloud, own, "GET", "/domains")).json["domains"]
            assert [each["id"] for each in listed] == [mine]
            listed = (await ask(cloud, own, "GET", "/groups")).json["groups"]
            assert [each["id"] for each in listed] == [group]
            listed = (await ask(cloud, own, "GET", "/role_assignments")).json["role_assignments"]
            assert len(listed) == 2
            # The roles that it may give it may look at.
            assert await status("GET", f"/roles/{member}") == 200
            assert await status("GET", f"/roles/{admin}") == 403
            assert await status("GET", "/roles") == 200

    asyncio.run(main())


def test_a_domain_reader_looks_and_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine = await made(cloud, "domains", name="mine")
            eye = await made(cloud, "users", name="eye", domain_id=mine, password="pw-of-eye")
            group = await made(cloud, "groups", name="g", domain_id=mine)
            project = await made(cloud, "projects", name="p", domain_id=mine)
            reader = await role(cloud, "reader")
            await give(cloud, reader, eye, f"domains/{mine}")
            own = await token(cloud, eye, "pw-of-eye", {"domain": {"id": mine}})
            for path in (
                f"/groups/{group}",
                f"/groups/{group}/users",
                f"/projects/{project}",
                f"/projects/{project}/users/{eye}/roles",
                "/role_assignments",
                f"/domains/{mine}",
            ):
                assert (await ask(cloud, own, "GET", path)).status == 200, path
            for method, path in (
                ("DELETE", f"/groups/{group}"),
                ("DELETE", f"/projects/{project}"),
                ("PUT", f"/groups/{group}/users/{eye}"),
                ("PUT", f"/projects/{project}/users/{eye}/roles/{reader}"),
                ("GET", "/roles"),
            ):
                assert (await ask(cloud, own, method, path)).status == 403, path

    asyncio.run(main())


def test_a_system_reader_sees_all_domains(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine = await made(cloud, "domains", name="mine")
            auditor = await made(cloud, "users", name="auditor", password="pw-auditor")
            group = await made(cloud, "groups", name="g", domain_id=mine)
            await give(cloud, await role(cloud, "reader"), auditor, "system")
            own = await token(cloud, auditor, "pw-auditor", {"system": {"all": True}})
            assert (await ask(cloud, own, "GET", f"/groups/{group}")).status == 200
            assert (await ask(cloud, own, "GET", "/role_inferences")).status == 200
            assert (await ask(cloud, own, "GET", f"/domains/{mine}")).status == 200
            assert (await ask(cloud, own, "DELETE", f"/groups/{group}")).status == 403

    asyncio.run(main())
