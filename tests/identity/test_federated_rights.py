"""What a user of a foreign provider makes with a federated token lives no longer than that
provider's word: it ends with the disabled provider, and with memberships that are not renewed."""

import asyncio
from pathlib import Path
from typing import Any

from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.identity.model.group import MembershipRow
from cumulo.identity.reconcile import Expired
from cumulo.identity.service.authentication.method import Identified
from tests.identity.support import V3, ask, made, role
from tests.identity.test_arrivals import ROOT, RULES, arrive, believe, group
from tests.identity.test_signatures import version_2
from tests.support.cloud import Answer, TestCloud, running_cloud
from tests.support.identity import login

USES = ("application credential", "keys", "trust", "plain trust", "token")


class Eve:
    """A federated user with a token for `work`, and what she has made with it."""

    def __init__(self, cloud: TestCloud, found: Identified, project: str) -> None:
        self.cloud, self.id, self.project = cloud, found.user.id, project
        self.found = found
        self.things: dict[str, Any] = {}
        self.token = ""

    async def sign_in(self) -> None:
        issued = await self.cloud.cloud.services.identity.authentication.issue(self.found, None)
        answer = await login(
            self.cloud, {"project": {"id": self.project}}, token={"id": issued.token}
        )
        assert answer.status == 201, answer.raw
        self.token = answer.headers["x-subject-token"]

    async def make(self, path: str, noun: str | None, body: Any) -> Any:
        answer = await ask(self.cloud, self.token, "POST", path, {noun: body} if noun else body)
        assert answer.status == 201, answer.raw
        return answer.json[noun or "credential"]

    async def use(self, what: str) -> Answer:
        """Sign in once more by what was made."""
        if what == "application credential":
            known = self.things[what]
            named = {"id": known["id"], "secret": known["secret"]}
            return await login(self.cloud, application_credential=named)
        if what == "keys":
            body = {"credentials": version_2(self.things[what])}
            return await self.cloud.call("POST", f"{V3}/ec2tokens", as_="admin", json_=body)
        if what in ("trust", "plain trust"):
            scope = {"OS-TRUST:trust": {"id": self.things[what]["id"]}}
            named = {"user": {"id": self.things["bob"], "password": "bob"}}
            return await login(self.cloud, scope, password=named)
        return await login(self.cloud, None, token={"id": self.token})


async def eve_of(cloud: TestCloud) -> Eve:
    await believe(cloud, RULES, authorization_ttl=10)
    people, member = await group(cloud), await role(cloud, "member")
    work = await made(cloud, "projects", name="work", domain_id="default")
    path = f"{V3}/projects/{work}/groups/{people}/roles/{member}"
    assert (await cloud.call("PUT", path, as_="admin")).status == 204
    eve = Eve(cloud, await arrive(cloud, sub="1", name="eve"), work)
    await eve.sign_in()
    eve.things["bob"] = await made(cloud, "users", name="bob", password="bob", domain_id="default")
    many = f"/users/{eve.id}/application_credentials"
    wish: dict[str, Any] = {"name": "x", "unrestricted": True}
    eve.things["application credential"] = await eve.make(many, "application_credential", wish)
    keys = f"/users/{eve.id}/credentials/OS-EC2"
    eve.things["keys"] = await eve.make(keys, None, {"tenant_id": work})
    wish = {"trustor_user_id": eve.id, "trustee_user_id": eve.things["bob"]}
    wish |= {"impersonation": True, "project_id": work, "roles": [{"name": "member"}]}
    eve.things["trust"] = await eve.make("/OS-TRUST/trusts", "trust", wish)
    wish |= {"impersonation": False}
    eve.things["plain trust"] = await eve.make("/OS-TRUST/trusts", "trust", wish)
    return eve


def play(tmp_path: Path, story: Any) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            eve = await eve_of(cloud)
            for what in USES:
                answer = await eve.use(what)
                assert answer.status in (200, 201), (what, answer.raw)
            await story(cloud, eve)

    asyncio.run(main())


def test_a_disabled_provider_ends_all_of_it(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, eve: Eve) -> None:
        off = {"identity_provider": {"enabled": False}}
        path = f"{ROOT}/identity_providers/op"
        assert (await cloud.call("PATCH", path, as_="admin", json_=off)).status == 200
        for what in USES:
            answer = await eve.use(what)
            assert answer.status in (401, 404 if what == "token" else 403), (what, answer.raw)

    play(tmp_path, story)


def test_memberships_that_end_end_all_of_it(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, eve: Eve) -> None:
        def age(tx: Tx) -> None:
            group_id = eve.found.binding.federation.group_ids[0]  # type: ignore[union-attr]
            row = tx.get(MembershipRow, eve.id, group_id)
            assert row is not None
            tx.update(row, expires=later(tx.now, -1.0))

        database, groups = cloud.cloud.database, cloud.cloud.services.identity.groups
        await database.write(age)
        await Expired(database, [groups]).step("memberships")
        for what in ("application credential", "keys", "trust", "plain trust"):
            answer = await eve.use(what)
            assert answer.status in (401, 403), (what, answer.raw)

    play(tmp_path, story)


def test_it_is_nobody_else(tmp_path: Path) -> None:
    """Neither a second way in, nor a right over others, nor another scope."""

    async def story(cloud: TestCloud, eve: Eve) -> None:
        bob = eve.things["bob"]
        for method, path, body in (
            ("GET", f"/users/{bob}", None),
            ("GET", f"/users/{bob}/application_credentials", None),
            ("POST", f"/users/{bob}/credentials/OS-EC2", {"tenant_id": eve.project}),
            ("PATCH", f"/users/{eve.id}", {"user": {"password": "mine"}}),
            ("POST", "/credentials", seed(bob)),
        ):
            answer = await ask(cloud, eve.token, method, path, body)
            assert answer.status == 403, (method, path, answer.raw)
        await ask(cloud, eve.token, "POST", "/credentials", seed(eve.id))
        for code in ("000000", "123456"):
            totp = {"user": {"id": eve.id, "passcode": code}}
            assert (await login(cloud, totp=totp)).status == 401
        changed = {"user": {"original_password": "", "password": "mine1234"}}
        path = f"/users/{eve.id}/password"
        assert (await ask(cloud, eve.token, "POST", path, changed)).status in (400, 401, 403)
        for scope in ({"system": {"all": True}}, {"domain": {"id": "default"}}):
            answer = await login(cloud, scope, token={"id": eve.token})
            assert answer.status in (401, 403), answer.raw

    play(tmp_path, story)


def seed(user_id: str) -> Any:
    return {"credential": {"user_id": user_id, "type": "totp", "blob": "GEZDGNBVGY3TQOJQ"}}
