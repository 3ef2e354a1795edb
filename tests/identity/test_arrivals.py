"""Users of foreign providers in rows: who they become, and when their groups end."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden, NotFound, Unauthorized
from cumulo.identity.model.group import MembershipRow
from cumulo.identity.reconcile import Expired
from cumulo.identity.service.authentication.method import Identified
from cumulo.identity.service.federation.arrivals import Arrivals
from cumulo.identity.service.federation.parties import OPENID_ISSUER, openid_attributes
from tests.support.cloud import TestCloud, running_cloud

ROOT = "/identity/v3/OS-FEDERATION"
RULES = [
    {
        "local": [
            {"user": {"name": "{0}", "id": "{1}"}},
            {"group": {"name": "people", "domain": {"id": "default"}}},
        ],
        "remote": [{"type": "OIDC-name"}, {"type": "OIDC-sub"}],
    }
]


async def put(cloud: TestCloud, path: str, body: Any) -> Any:
    answer = await cloud.call("PUT", f"{ROOT}{path}", as_="admin", json_=body)
    assert answer.status == 201, answer.raw
    return answer.json


async def believe(cloud: TestCloud, rules: Any, **provider: Any) -> str:
    """The provider `op`; the id of its domain."""
    wanted = {"enabled": True, **provider}
    made = await put(cloud, "/identity_providers/op", {"identity_provider": wanted})
    await put(cloud, "/mappings/m", {"mapping": {"rules": rules}})
    await put(cloud, "/identity_providers/op/protocols/openid", {"protocol": {"mapping_id": "m"}})
    return str(made["identity_provider"]["domain_id"])


async def group(cloud: TestCloud) -> str:
    body = {"group": {"name": "people", "domain_id": "default"}}
    made = await cloud.call("POST", "/identity/v3/groups", as_="admin", json_=body)
    return str(made.json["group"]["id"])


async def arrive(cloud: TestCloud, **claims: Any) -> Identified:
    identity = cloud.cloud.services.identity
    arrivals = Arrivals(
        identity.federation,
        identity.users,
        identity.groups,
        identity.domains,
        identity.projects,
        identity.roles,
    )
    said = openid_attributes({"iss": "https://op", **claims})
    return await cloud.cloud.database.write(
        lambda tx: arrivals.arrive(tx, "op", "openid", said, OPENID_ISSUER)
    )


def run(tmp_path: Path, story: Any) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await story(cloud)

    asyncio.run(main())


def test_the_same_person_is_the_same_user(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        domain = await believe(cloud, RULES, remote_ids=["https://op"])
        group_id = await group(cloud)
        first = await arrive(cloud, sub="1", name="ann")
        assert (first.user.name, first.user.domain_id) == ("ann", domain)
        assert first.binding.federation is not None
        assert first.binding.federation.group_ids == (group_id,)
        renamed = await arrive(cloud, sub="1", name="ann b")
        assert (renamed.user.id, renamed.user.name) == (first.user.id, "ann b")
        other = await arrive(cloud, sub="2", name="ann b")
        assert other.user.id != first.user.id
        assert other.user.name == "2"  # the name is taken here, and must not be taken over

    run(tmp_path, story)


def test_a_foreign_name_is_never_a_local_user(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await believe(cloud, RULES, domain_id="default")
        await group(cloud)
        found = await arrive(cloud, sub="9", name="admin")
        assert found.user.name == "9"

    run(tmp_path, story)


def test_who_is_refused(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await believe(cloud, RULES, remote_ids=["https://another"])
        with pytest.raises(Forbidden):
            await arrive(cloud, sub="1", name="ann")
        path = f"{ROOT}/identity_providers/op"
        changes = {"identity_provider": {"remote_ids": []}}
        await cloud.call("PATCH", path, as_="admin", json_=changes)
        with pytest.raises(BadRequest):
            await arrive(cloud, sub="1")  # no rule applies without a name
        found = await arrive(cloud, sub="1", name="ann")
        user = f"/identity/v3/users/{found.user.id}"
        await cloud.call("PATCH", user, as_="admin", json_={"user": {"enabled": False}})
        with pytest.raises(Unauthorized):
            await arrive(cloud, sub="1", name="ann")
        off = {"identity_provider": {"enabled": False}}
        await cloud.call("PATCH", path, as_="admin", json_=off)
        with pytest.raises(Forbidden, match="disabled"):
            await arrive(cloud, sub="1", name="ann")
        await cloud.call("DELETE", f"{path}/protocols/openid", as_="admin")
        with pytest.raises(NotFound):
            await arrive(cloud, sub="1", name="ann")

    run(tmp_path, story)


def test_an_administrator_says_who_somebody_is_elsewhere(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await believe(cloud, RULES)
        await group(cloud)

        def body(protocol: str, unique_id: str, name: str) -> Any:
            link = {"protocol_id": protocol, "unique_id": unique_id}
            federated = [{"idp_id": "op", "protocols": [link]}]
            return {"user": {"name": name, "domain_id": "default", "federated": federated}}

        path = "/identity/v3/users"
        made = await cloud.call("POST", path, as_="admin", json_=body("openid", "77", "carol"))
        assert made.status == 201, made.raw
        found = await arrive(cloud, sub="77", name="carol")
        assert found.user.id == made.json["user"]["id"]
        again = await cloud.call("POST", path, as_="admin", json_=body("openid", "77", "dave"))
        assert again.status == 409
        unknown = await cloud.call("POST", path, as_="admin", json_=body("saml2", "1", "dave"))
        assert unknown.status == 400
        # And who came by itself is shown with where it came from.
        await arrive(cloud, sub="78", name="erin")
        listed = await cloud.call("GET", f"{path}?idp_id=op", as_="admin")
        assert {each["name"] for each in listed.json["users"]} == {"carol", "erin"}

    run(tmp_path, story)


def test_local_users_are_found_and_not_made(tmp_path: Path) -> None:
    rules = [
        {
            "local": [{"user": {"name": "{0}", "type": "local", "domain": {"id": "default"}}}],
            "remote": [{"type": "OIDC-name"}],
        }
    ]

    async def story(cloud: TestCloud) -> None:
        await believe(cloud, rules)
        found = await arrive(cloud, sub="1", name="demo")
        assert (found.user.name, found.binding.federation) == ("demo", None)
        with pytest.raises(Unauthorized):
            await arrive(cloud, sub="1", name="nobody")

    run(tmp_path, story)


def test_memberships_end_after_the_last_login(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await believe(cloud, RULES, authorization_ttl=10)
        group_id = await group(cloud)
        user = (await arrive(cloud, sub="1", name="ann")).user
        database = cloud.cloud.database

        def membership(tx: Tx) -> MembershipRow | None:
            return tx.get(MembershipRow, user.id, group_id)

        row = await database.read(membership)
        assert row is not None and row.expires is not None
        ending = Expired(database, [cloud.cloud.services.identity.groups])
        await ending.step("memberships")  # not yet
        assert await database.read(membership) is not None

        def age(tx: Tx) -> None:
            found = membership(tx)
            assert found is not None
            tx.update(found, expires=later(tx.now, -1.0))

        await database.write(age)
        await ending.step("memberships")
        assert await database.read(membership) is None
        # What an administrator has given does not end.
        path = f"/identity/v3/groups/{group_id}/users/{user.id}"
        assert (await cloud.call("PUT", path, as_="admin")).status == 204
        await arrive(cloud, sub="1", name="ann")
        row = await database.read(membership)
        assert row is not None and row.expires is None

    run(tmp_path, story)
