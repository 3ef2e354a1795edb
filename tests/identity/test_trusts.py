"""Trusts: what is lent, to whom, how often, and until when."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cloud import Answer, TestCloud, running_cloud
from tests.support.identity import (
    give_role,
    login,
    make_user,
    password,
    project,
    show,
    take_role,
)


@dataclass
class Lenders:
    """ann (member of demo) lends, bob and cleo borrow; each has a token."""

    cloud: TestCloud
    ids: dict[str, str]

    async def token(self, name: str, scope: Any = None) -> str:
        wanted = project("demo") if scope is None else scope
        answer = await login(self.cloud, wanted, password=password(name, name))
        assert answer.status == 201, answer.raw
        return answer.headers["x-subject-token"]

    async def call(self, token: str, method: str, path: str, json_: Any = None) -> Answer:
        return await self.cloud.call(
            method, path, as_=None, headers={"x-auth-token": token}, json_=json_
        )

    async def lend(self, token: str, trustor: str, trustee: str, **wishes: Any) -> Answer:
        trust = {
            "trustor_user_id": self.ids[trustor],
            "trustee_user_id": self.ids[trustee],
            "impersonation": False,
            "project_id": self.cloud.projects["demo"],
            "roles": [{"name": "member"}],
            **wishes,
        }
        return await self.call(token, "POST", "/identity/v3/OS-TRUST/trusts", {"trust": trust})

    async def borrow(self, name: str, trust: Answer) -> Answer:
        scope = {"OS-TRUST:trust": {"id": trust.json["trust"]["id"]}}
        return await login(self.cloud, scope, password=password(name, name))


async def lenders(cloud: TestCloud) -> Lenders:
    ids = {name: await make_user(cloud, name, name) for name in ("ann", "bob", "cleo")}
    for name in ("bob", "cleo"):
        await take_role(cloud, ids[name], "member")
    return Lenders(cloud, ids)


def test_with_and_without_impersonation(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            people = await lenders(cloud)
            ann = await people.token("ann")
            plain = await people.lend(ann, "ann", "bob")
            assert plain.status == 201, plain.raw
            assert plain.json["trust"]["redelegation_count"] == 0
            assert [role["name"] for role in plain.json["trust"]["roles"]] == ["member"]
            token = (await people.borrow("bob", plain)).json["token"]
            assert token["user"]["id"] == people.ids["bob"]
            assert token["project"]["name"] == "demo"
            assert token["OS-TRUST:trust"]["trustor_user"] == {"id": people.ids["ann"]}
            acting = await people.lend(ann, "ann", "bob", impersonation=True)
            answer = await people.borrow("bob", acting)
            assert answer.json["token"]["user"]["id"] == people.ids["ann"]
            # It is a token for the cloud, and for nothing more than it was lent for.
            borrowed = answer.headers["x-subject-token"]
            assert (await people.call(borrowed, "GET", "/compute/v2.1/servers")).status == 200
            assert (await login(cloud, token={"id": borrowed})).status == 403
            # Only the borrower can use it.
            assert (await people.borrow("cleo", plain)).status == 403
            nobody = {"OS-TRUST:trust": {"id": "none"}}
            unknown = await login(cloud, nobody, password=password("bob", "bob"))
            assert unknown.status == 401

    asyncio.run(main())


def test_only_what_one_has_can_be_lent(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            people = await lenders(cloud)
            ann = await people.token("ann")
            assert (await people.lend(ann, "bob", "ann")).status == 403
            assert (await people.lend(ann, "ann", "bob", roles=[{"name": "admin"}])).status == 404
            assert (await people.lend(ann, "ann", "bob", roles=[])).status == 403
            people.ids["ghost"] = "ghost"
            assert (await people.lend(ann, "ann", "ghost")).status == 404
            past = await people.lend(ann, "ann", "bob", expires_at="2001-01-01T00:00:00Z")
            assert past.status == 400
            assert (await people.lend(ann, "ann", "bob", remaining_uses=0)).status == 400
            assert (await people.lend(ann, "ann", "bob", redelegation_count=9)).status == 403

    asyncio.run(main())


def test_uses_are_counted_also_at_the_same_time(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            people = await lenders(cloud)
            trust = await people.lend(await people.token("ann"), "ann", "bob", remaining_uses=3)
            answers = await asyncio.gather(*(people.borrow("bob", trust) for _ in range(8)))
            assert sorted(a.status for a in answers) == [201] * 3 + [401] * 5
            gone = f"/identity/v3/OS-TRUST/trusts/{trust.json['trust']['id']}"
            assert (await cloud.call("GET", gone, as_="admin")).status == 404
            token = next(a for a in answers if a.status == 201).headers["x-subject-token"]
            assert (await show(cloud, token)).status == 200

    asyncio.run(main())


def test_lending_on(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            people = await lenders(cloud)
            await give_role(cloud, people.ids["ann"], "reader")
            ann = await people.token("ann")
            closed = await people.lend(ann, "ann", "bob", impersonation=True)
            token = (await people.borrow("bob", closed)).headers["x-subject-token"]
            assert (await people.lend(token, "ann", "cleo")).status == 403
            wanted = {
                "impersonation": True,
                "allow_redelegation": True,
                "redelegation_count": 2,
                "expires_at": "2100-01-01T00:00:00Z",
            }
            first = await people.lend(ann, "ann", "bob", **wanted)
            assert first.json["trust"]["redelegation_count"] == 2
            token = (await people.borrow("bob", first)).headers["x-subject-token"]
            more = await people.lend(token, "ann", "cleo", roles=[{"name": "reader"}])
            assert more.status == 403
            longer = await people.lend(token, "ann", "cleo", expires_at="2101-01-01T00:00:00Z")
            assert longer.status == 403
            assert (await people.lend(token, "ann", "cleo", remaining_uses=1)).status == 403
            second = await people.lend(
                token, "ann", "cleo", impersonation=True, allow_redelegation=True
            )
            assert second.status == 201, second.raw
            made = second.json["trust"]
            assert made["redelegated_trust_id"] == first.json["trust"]["id"]
            assert made["redelegation_count"] == 1
            assert made["expires_at"] == "2100-01-01T00:00:00.000000Z"
            token = (await people.borrow("cleo", second)).headers["x-subject-token"]
            # The chain ends with its first link.
            path = f"/identity/v3/OS-TRUST/trusts/{first.json['trust']['id']}"
            assert (await people.call(ann, "DELETE", path)).status == 204
            assert (await show(cloud, token)).status == 404
            assert (await people.borrow("cleo", second)).status == 401

    asyncio.run(main())


def test_what_was_lent_on_ends_with_the_first_lender(tmp_path: Path) -> None:
    """Also where each lends in their own name."""

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            people = await lenders(cloud)
            ann = await people.token("ann")
            first = await people.lend(ann, "ann", "bob", allow_redelegation=True)
            token = (await people.borrow("bob", first)).headers["x-subject-token"]
            second = await people.lend(token, "bob", "cleo")
            assert second.status == 201, second.raw
            token = (await people.borrow("cleo", second)).headers["x-subject-token"]
            assert (await show(cloud, token)).status == 200
            off = {"user": {"enabled": False}}
            path = f"/identity/v3/users/{people.ids['ann']}"
            assert (await cloud.call("PATCH", path, as_="admin", json_=off)).status == 200
            assert (await show(cloud, token)).status == 404
            assert (await people.borrow("cleo", second)).status in (401, 403)

    asyncio.run(main())


def test_it_ends_with_the_lenders_role_and_the_lender(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            people = await lenders(cloud)
            trust = await people.lend(await people.token("ann"), "ann", "bob")
            token = (await people.borrow("bob", trust)).headers["x-subject-token"]
            await take_role(cloud, people.ids["ann"], "member")
            assert (await show(cloud, token)).status == 404
            assert (await people.borrow("bob", trust)).status == 403
            await give_role(cloud, people.ids["ann"], "member")
            assert (await people.borrow("bob", trust)).status == 201
            user = f"/identity/v3/users/{people.ids['ann']}"
            off = {"user": {"enabled": False}}
            await cloud.call("PATCH", user, as_="admin", json_=off)
            assert (await people.borrow("bob", trust)).status == 403
            assert (await cloud.call("DELETE", user, as_="admin")).status == 204
            path = f"/identity/v3/OS-TRUST/trusts/{trust.json['trust']['id']}"
            assert (await cloud.call("GET", path, as_="admin")).status == 404

    asyncio.run(main())


def test_who_may_see_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            people = await lenders(cloud)
            ann = await people.token("ann")
            trust = (await people.lend(ann, "ann", "bob")).json["trust"]
            bob, cleo = (
                await people.token("bob", "unscoped"),
                await people.token("cleo", "unscoped"),
            )
            many = "/identity/v3/OS-TRUST/trusts"
            one = f"{many}/{trust['id']}"
            role = f"{one}/roles/{trust['roles'][0]['id']}"
            for path in (one, f"{one}/roles", role):
                for method in ("GET", "HEAD"):
                    assert (await people.call(ann, method, path)).status == 200
                    assert (await people.call(bob, method, path)).status == 200
                    assert (await people.call(cleo, method, path)).status == 403
            assert (await people.call(ann, "GET", f"{one}/roles/none")).status == 404
            assert (await people.call(bob, "DELETE", one)).status == 403
            assert (await people.call(bob, "GET", many)).status == 403
            mine = f"{many}?trustee_user_id={people.ids['bob']}"
            assert len((await people.call(bob, "GET", mine)).json["trusts"]) == 1
            assert (await people.call(cleo, "GET", mine)).status == 403
            theirs = f"{many}?trustor_user_id={people.ids['ann']}"
            listed = await people.call(ann, "GET", theirs)
            assert "roles" not in listed.json["trusts"][0]

    asyncio.run(main())


def test_an_application_credential_lends_no_more_than_it_has(tmp_path: Path) -> None:
    async def main() -> None:
        name = "allow_insecure_application_credential_trust_escalation"
        rules = {"password_rounds": 4, name: True}
        async with running_cloud(tmp_path, identity=rules) as cloud:
            people = await lenders(cloud)
            await give_role(cloud, people.ids["ann"], "manager")
            ann = await people.token("ann")
            path = f"/identity/v3/users/{people.ids['ann']}/application_credentials"
            tokens = []
            for name, unrestricted in (("free", True), ("bound", False)):
                wanted = {
                    "name": name,
                    "secret": name,
                    "roles": [{"name": "member"}],
                    "unrestricted": unrestricted,
                }
                made = await people.call(ann, "POST", path, {"application_credential": wanted})
                credential = made.json["application_credential"]
                named = {"id": credential["id"], "secret": name}
                answer = await login(cloud, application_credential=named)
                tokens.append(answer.headers["x-subject-token"])
            free, bound = tokens
            assert (await people.lend(free, "ann", "bob")).status == 201
            more = await people.lend(free, "ann", "bob", roles=[{"name": "manager"}])
            assert more.status == 404
            assert (await people.lend(bound, "ann", "bob")).status == 403

    asyncio.run(main())


def test_a_trust_that_is_gone_is_not_there_for_anybody(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            people = await lenders(cloud)
            ann, bob = await people.token("ann"), await people.token("bob", "unscoped")
            trust = (await people.lend(ann, "ann", "bob")).json["trust"]["id"]
            path = f"/identity/v3/OS-TRUST/trusts/{trust}"
            other = f"/identity/v3/OS-TRUST/trusts/{'0' * 32}"
            assert (await people.call(bob, "GET", path)).status == 200
            assert (await people.call(bob, "DELETE", path)).status == 403
            assert (await people.call(ann, "DELETE", path)).status == 204
            for token in (ann, bob):
                for gone in (path, other):
                    assert (await people.call(token, "GET", gone)).status == 404

    asyncio.run(main())
