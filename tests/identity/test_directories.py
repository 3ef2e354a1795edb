"""Users and groups of a directory: what is seen of them over the wire, with a simulated one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import story_of
from cumulo.identity.drivers.fake_directory import FakeDirectory
from cumulo.identity.model.directory import DirectoryRow, Look, Person, Snapshot, public_id
from cumulo.identity.model.directory_options import BadOptions, DirectoryOptions, options_of
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.directories import FIRST_SYNC
from cumulo.identity.service.domain_config import DEFAULTS
from tests.identity.support import V3, ask, give, made, role, token
from tests.support.cloud import Answer, TestCloud, running_cloud
from tests.support.identity import login

CONFIG = {"identity": {"driver": "ldap"}, "ldap": {"url": "fake://firm"}}


class Stage:
    def __init__(self, cloud: TestCloud) -> None:
        self.cloud = cloud
        self.directories = cloud.cloud.services.identity.directories
        self.world = FakeDirectory()
        self.directories.open = lambda options: self.world
        self.domain = ""

    async def set_up(self) -> None:
        self.world.add_person("ann", "secret-of-ann", email="ann@firm.example")
        self.world.add_person("bob", "secret-of-bob", enabled=False)
        self.world.add_team("staff", "ann", "bob")
        self.domain = await made(self.cloud, "domains", name="firm")
        answer = await self.admin("PUT", f"/domains/{self.domain}/config", {"config": CONFIG})
        assert answer.status == 201, answer.raw
        await self.sync()

    async def admin(self, method: str, path: str, body: Any = None) -> Answer:
        return await self.cloud.call(method, V3 + path, as_="admin", json_=body)

    async def sync(self) -> None:
        """As the reconciler does it."""
        try:
            await self.directories.sync(self.domain)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            await self.cloud.cloud.database.write(
                lambda tx: self.directories.failed(tx, self.domain, reason)
            )

    async def users(self) -> dict[str, Any]:
        answer = await self.admin("GET", f"/users?domain_id={self.domain}")
        return {user["name"]: user for user in answer.json["users"]}

    async def login(self, name: str = "ann", secret: str | None = None, **more: Any) -> Answer:
        user: dict[str, Any] = {"name": name, "domain": {"id": self.domain}}
        user["password"] = f"secret-of-{name}" if secret is None else secret
        return await login(self.cloud, password={"user": user}, **more)

    def user_id(self, name: str) -> str:
        return public_id(self.domain, "user", name)

    def group_id(self, name: str) -> str:
        return public_id(self.domain, "group", name)

    async def read(self, function: Callable[[Tx], Any]) -> Any:
        return await self.cloud.cloud.database.read(function)


@contextlib.asynccontextmanager
async def staged(tmp_path: Path) -> AsyncIterator[Stage]:
    async with running_cloud(tmp_path) as cloud:
        stage = Stage(cloud)
        await stage.set_up()
        yield stage


def play(tmp_path: Path, story: Callable[[Stage], Awaitable[None]]) -> None:
    async def main() -> None:
        async with staged(tmp_path) as stage:
            await story(stage)

    asyncio.run(main())


def test_ids_are_those_that_keystone_gives() -> None:
    # printf 'd0useru1' | sha256sum
    assert public_id("d0", "user", "u1") == (
        "edcef2fa1df675b335ba932a95785d3aac515a0888128b41c5bd6396227bbc02"
    )


def test_they_are_listed_and_shown(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        users = await stage.users()
        assert set(users) == {"ann", "bob"}
        ann = users["ann"]
        assert ann["id"] == stage.user_id("ann") and ann["enabled"]
        assert ann["email"] == "ann@firm.example" and ann["password_expires_at"] is None
        assert "origin" not in ann and not users["bob"]["enabled"]
        shown = await stage.admin("GET", f"/users/{ann['id']}")
        assert shown.json["user"] == ann
        members = await stage.admin("GET", f"/groups/{stage.group_id('staff')}/users")
        assert {user["name"] for user in members.json["users"]} == {"ann", "bob"}
        groups = await stage.admin("GET", f"/users/{ann['id']}/groups")
        assert [group["name"] for group in groups.json["groups"]] == ["staff"]

    play(tmp_path, story)


def test_a_list_waits_for_the_first_look(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        other = await made(stage.cloud, "domains", name="branch")
        stage.world.delay = 0.3
        put = f"/domains/{other}/config"
        assert (await stage.admin("PUT", put, {"config": CONFIG})).status == 201
        looking = asyncio.create_task(stage.directories.sync(other))
        answer = await stage.admin("GET", f"/users?domain_id={other}")
        assert {user["name"] for user in answer.json["users"]} == {"ann", "bob"}
        await looking

    play(tmp_path, story)


def test_a_silent_directory_holds_up_its_own_domain_only(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        other = await made(stage.cloud, "domains", name="branch")
        stage.world.delay = 3600
        put = f"/domains/{other}/config"
        assert (await stage.admin("PUT", put, {"config": CONFIG})).status == 201
        looking = asyncio.create_task(stage.directories.sync(other))
        try:
            for path in ("/users", "/groups", "/users?domain_id=default"):
                answer = await asyncio.wait_for(stage.admin("GET", path), FIRST_SYNC / 2)
                assert answer.status == 200
            waits = asyncio.create_task(stage.admin("GET", f"/users?domain_id={other}"))
            await asyncio.wait([waits], timeout=0.2)
            assert not waits.done()
            # A domain that goes meanwhile is waited for by nobody any more.
            path = f"/domains/{other}"
            assert (await stage.admin("PATCH", path, {"domain": {"enabled": False}})).status == 200
            assert (await stage.admin("DELETE", path)).status == 204
            lists = ("/users", f"/users?domain_id={other}", "/groups")
            for path in lists:
                await asyncio.wait_for(stage.admin("GET", path), FIRST_SYNC / 2)
            await asyncio.wait_for(waits, FIRST_SYNC / 2)
        finally:
            looking.cancel()

    play(tmp_path, story)


def test_a_login(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        answer = await stage.login()
        assert answer.status == 201
        said = answer.json["token"]["user"]
        assert (said["id"], said["name"]) == (stage.user_id("ann"), "ann")
        assert (await stage.login("ANN", "secret-of-ann")).status == 201
        by_id = {"user": {"id": stage.user_id("ann"), "password": "secret-of-ann"}}
        assert (await login(stage.cloud, password=by_id)).status == 201
        row = await stage.read(lambda tx: tx.get(UserRow, stage.user_id("ann")))
        assert row.password_hash is None

    play(tmp_path, story)


def test_refusals_sound_the_same(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        answers = [
            await stage.login(secret="wrong"),
            await stage.login(secret=""),
            await stage.login("nobody"),
            await stage.login("bob"),
            await stage.login("*", "secret-of-ann"),
        ]
        assert {answer.status for answer in answers} == {401}
        assert len({answer.raw for answer in answers}) == 1

    play(tmp_path, story)


def test_a_user_whom_no_list_has_seen_yet_can_log_in(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.world.add_person("eve", "secret-of-eve")
        stage.world.add_team("new", "eve")
        answer = await stage.login("eve")
        assert answer.status == 201
        groups = await stage.admin("GET", f"/users/{stage.user_id('eve')}/groups")
        assert [group["name"] for group in groups.json["groups"]] == ["new"]

    play(tmp_path, story)


def test_roles_by_a_group_of_the_directory(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        project = await made(stage.cloud, "projects", name="p", domain_id=stage.domain)
        member, group = await role(stage.cloud, "member"), stage.group_id("staff")
        path = f"/projects/{project}/groups/{group}/roles/{member}"
        assert (await stage.admin("PUT", path)).status == 204
        scope = {"project": {"id": project}}
        text = await token(stage.cloud, stage.user_id("ann"), "secret-of-ann", scope)
        assert (await ask(stage.cloud, text, "GET", "/auth/projects")).status == 200
        # Out of the group, by a look at everybody: the token is worth nothing any more.
        stage.world.add_team("staff", "bob")
        await stage.sync()
        assert (await ask(stage.cloud, text, "GET", "/auth/projects")).status == 401
        # In again, by a login.
        stage.world.add_team("staff", "ann")
        await token(stage.cloud, stage.user_id("ann"), "secret-of-ann", scope)

    play(tmp_path, story)


@pytest.mark.parametrize("how", ["sync", "login"])
def test_who_is_removed_loses_access_and_keeps_roles_for_a_while(tmp_path: Path, how: str) -> None:
    async def story(stage: Stage) -> None:
        project = await made(stage.cloud, "projects", name="p", domain_id=stage.domain)
        ann = stage.user_id("ann")
        await give(stage.cloud, await role(stage.cloud, "member"), ann, f"projects/{project}")
        scope = {"project": {"id": project}}
        text = await token(stage.cloud, ann, "secret-of-ann", scope)
        stage.world.remove_person("ann")
        stage.world.add_team("staff", "bob")
        if how == "sync":
            await stage.sync()
        assert (await stage.login()).status == 401
        assert (await ask(stage.cloud, text, "GET", "/auth/projects")).status == 401
        assert not (await stage.users())["ann"]["enabled"]
        # It was a mistake of the directory's: it is back, with its roles; the old token is not.
        stage.world.add_person("ann", "secret-of-ann")
        await stage.sync()
        await token(stage.cloud, ann, "secret-of-ann", scope)
        assert (await ask(stage.cloud, text, "GET", "/auth/projects")).status == 401
        # It was none: after a week nothing of it is left.
        stage.world.remove_person("ann")
        await stage.sync()

        def age(tx: Tx) -> None:
            row = tx.get(UserRow, ann)
            assert row is not None and row.origin is not None
            since = later(tx.now, -8 * 86400.0)
            origin = msgspec.structs.replace(row.origin, missing_since=since, looked_at=None)
            tx.update(row, origin=origin)

        await stage.cloud.cloud.database.write(age)
        await stage.sync()
        assert set(await stage.users()) == {"bob"}
        answer = await stage.admin("GET", f"/role_assignments?user.id={ann}")
        assert answer.json["role_assignments"] == []

    play(tmp_path, story)


def test_who_is_disabled_there_is_disabled_here(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        text = (await stage.login()).headers["x-subject-token"]
        person = stage.world.people["ann"]
        stage.world.people["ann"] = Person("ann", person.dn, "ann", False)
        # Even a wrong password shows it.
        assert (await stage.login(secret="wrong")).status == 401
        assert (await ask(stage.cloud, text, "GET", "/auth/projects")).status == 401
        assert not (await stage.users())["ann"]["enabled"]

    play(tmp_path, story)


def test_nothing_is_written_to_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ann, staff = stage.user_id("ann"), stage.group_id("staff")
        here = await made(stage.cloud, "users", name="local", password="x")
        own = await made(stage.cloud, "groups", name="own")
        new = {"name": "new", "domain_id": stage.domain}
        change = {"original_password": "secret-of-ann", "password": "other"}
        refused = [
            await stage.admin("POST", "/users", {"user": new}),
            await stage.admin("PATCH", f"/users/{ann}", {"user": {"enabled": False}}),
            await stage.admin("PATCH", f"/users/{ann}", {"user": {"password": "other"}}),
            await stage.admin("POST", f"/users/{ann}/password", {"user": change}),
            await stage.admin("DELETE", f"/users/{ann}"),
            await stage.admin("POST", "/groups", {"group": new}),
            await stage.admin("PATCH", f"/groups/{staff}", {"group": {"name": "other"}}),
            await stage.admin("DELETE", f"/groups/{staff}"),
            await stage.admin("PUT", f"/groups/{staff}/users/{ann}"),
            await stage.admin("DELETE", f"/groups/{staff}/users/{ann}"),
            await stage.admin("PUT", f"/groups/{staff}/users/{here}"),
            await stage.admin("PUT", f"/groups/{own}/users/{ann}"),
        ]
        assert [answer.status for answer in refused] == [403] * 12
        assert "LDAP does not support write" in refused[0].json["error"]["message"]
        assert "backend boundaries" in refused[-1].json["error"]["message"]
        assert (await stage.users())["ann"]["enabled"]

    play(tmp_path, story)


def test_a_directory_that_is_away(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        text = (await stage.login()).headers["x-subject-token"]
        stage.world.away = "the cable is out"
        await stage.sync()
        await stage.sync()
        answers = [await stage.login(), await stage.login("nobody")]
        assert [answer.status for answer in answers] == [503, 503]
        assert "does not answer" in answers[0].json["error"]["message"]
        assert set(await stage.users()) == {"ann", "bob"}
        assert (await ask(stage.cloud, text, "GET", "/auth/projects")).status == 200
        told = [event.type for event in await stage.read(lambda tx: story_of(tx, stage.domain))]
        assert told.count("identity.directory.failed") == 1
        stage.world.away = ""
        await stage.sync()
        assert (await stage.login()).status == 201
        story = await stage.read(lambda tx: story_of(tx, stage.domain))
        assert story[-1].type == "identity.directory.synced"
        assert any("the cable is out" in event.detail.get("reason", "") for event in story)

    play(tmp_path, story)


def test_a_directory_that_was_taken_away_takes_its_users_with_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        text = (await stage.login()).headers["x-subject-token"]
        assert (await stage.admin("DELETE", f"/domains/{stage.domain}/config")).status == 204
        assert (await stage.login()).status == 401
        await stage.sync()
        assert await stage.users() == {}
        assert (await ask(stage.cloud, text, "GET", "/auth/projects")).status == 401
        assert await stage.read(lambda tx: tx.get(DirectoryRow, stage.domain)) is None
        new = {"name": "ann", "domain_id": stage.domain}
        assert (await stage.admin("POST", "/users", {"user": new})).status == 201

    play(tmp_path, story)


def test_a_domain_can_be_deleted_with_its_directory(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        path = f"/domains/{stage.domain}"
        assert (await stage.admin("PATCH", path, {"domain": {"enabled": False}})).status == 200
        assert (await stage.login()).status == 401
        assert (await stage.admin("DELETE", path)).status == 204
        await stage.sync()
        assert await stage.read(lambda tx: tx.get(UserRow, stage.user_id("ann"))) is None

    play(tmp_path, story)


def test_names_that_move(tmp_path: Path) -> None:
    """Two that change names, and one of a name that somebody has here alone."""

    async def story(stage: Stage) -> None:
        ann, bob = stage.world.people["ann"], stage.world.people["bob"]
        stage.world.people["ann"] = Person("ann", ann.dn, "bob")
        stage.world.people["bob"] = Person("bob", bob.dn, "ann")
        await stage.sync()
        names = {user["id"]: name for name, user in (await stage.users()).items()}
        assert names == {stage.user_id("ann"): "bob", stage.user_id("bob"): "ann"}

    play(tmp_path, story)


def test_who_lives_here_keeps_the_name(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        other = await made(stage.cloud, "domains", name="branch")
        here = await made(stage.cloud, "users", name="ann", password="local", domain_id=other)
        await stage.admin("PUT", f"/domains/{other}/config", {"config": CONFIG})
        await stage.directories.sync(other)
        answer = await stage.admin("GET", f"/users?domain_id={other}&name=ann")
        assert [user["id"] for user in answer.json["users"]] == [here]
        user = {"name": "ann", "domain": {"id": other}, "password": "local"}
        assert (await login(stage.cloud, password={"user": user})).status == 201
        user["password"] = "secret-of-ann"
        assert (await login(stage.cloud, password={"user": user})).status == 401
        story = await stage.read(lambda tx: story_of(tx, other))
        assert "lives here" in story[-1].detail["notes"]

    play(tmp_path, story)


def test_a_look_that_is_older_than_a_login_does_not_undo_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        class Slow(FakeDirectory):
            """Reads everybody, and is slow to say so."""

            async def snapshot(self) -> Snapshot:
                found = await super().snapshot()
                self.add_person("eve", "secret-of-eve")
                self.people["ann"] = Person("ann", "cn=ann", "ann", False)
                assert (await stage.login("eve")).status == 201
                assert (await stage.login("ann")).status == 401
                return found

            async def look(self, password: str, **called: Any) -> Look:
                return await super().look(password, **called)

        slow = Slow()
        slow.people, slow.passwords = stage.world.people, stage.world.passwords
        slow.teams = stage.world.teams
        stage.world = slow
        await stage.sync()
        users = await stage.users()
        assert users["eve"]["enabled"] and not users["ann"]["enabled"]

    play(tmp_path, story)


def test_a_configuration_that_changes_while_everybody_is_read(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        class Changed(FakeDirectory):
            async def snapshot(self) -> Snapshot:
                self.add_person("eve", "x")
                path = f"/domains/{stage.domain}/config/ldap/url"
                body = {"config": {"url": "fake://other"}}
                await stage.admin("PATCH", path, body)
                return await super().snapshot()

        stage.world = Changed()
        await stage.sync()
        assert set(await stage.users()) == {"ann", "bob"}

    play(tmp_path, story)


def test_a_slash_after_the_server_is_none_of_its_name(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        seen: list[tuple[str, ...]] = []

        def open_it(options: DirectoryOptions) -> FakeDirectory:
            seen.append(options.urls)
            return stage.world

        stage.directories.open = open_it
        ldap = {"url": "ldap://one.example/, ldap://two.example:3890/"}
        config = {"config": {**CONFIG, "ldap": ldap}}
        assert (await stage.admin("PUT", f"/domains/{stage.domain}/config", config)).status == 200
        await stage.sync()
        assert seen[-1] == ("ldap://one.example", "ldap://two.example:3890")

    play(tmp_path, story)


@pytest.mark.parametrize(
    "wrong",
    [
        {"query_scope": "two"},
        {"page_size": "many"},
        {"page_size": 1e400},
        {"use_tls": "perhaps"},
        {"user_filter": "mail=*"},
        {"user_id_attribute": "a)(b"},
        {"user_id_attribute": ""},
        {"chase_referrals": True},
        {"tls_req_cert": "hope"},
        {"user_additional_attribute_mapping": ["userPassword:password"]},
        {"user_additional_attribute_mapping": ["x"]},
        {"user_tree_dn": ["a"]},
        {"use_tls": True, "url": "ldaps://firm"},
    ],
)
def test_options_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadOptions):
        options_of({**DEFAULTS["ldap"], **wrong})


def test_options_are_checked_where_they_are_set(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        path = f"/domains/{stage.domain}/config"
        body = {"config": {"ldap": {"query_scope": "two"}}}
        answer = await stage.admin("PATCH", path, body)
        assert answer.status == 403 and "query_scope" in answer.json["error"]["message"]
        assert (await stage.admin("GET", path)).json["config"] == CONFIG

    play(tmp_path, story)
