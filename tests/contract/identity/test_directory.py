"""What every directory must do: the same tests for slapd and for the simulated one."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.identity.drivers.fake_directory import FakeDirectory
from cumulo.identity.drivers.ldap import LdapDirectory
from cumulo.identity.model.directory import Directory, DirectoryUnreachable, Person, Team
from cumulo.identity.model.directory_options import options_of
from cumulo.identity.service.domain_config import DEFAULTS
from tests.support.slapd import PEOPLE, SUFFIX, TEAMS, Slapd, slapd


def opened(server: Slapd, **more: Any) -> LdapDirectory:
    return LdapDirectory(options_of({**DEFAULTS["ldap"], **server.options(**more)}))


class FakeStage:
    """The simulated directory, and where its entries are changed."""

    def __init__(self, folder: Path) -> None:
        self.world: Any = FakeDirectory()
        self.directory: Directory = self.world

    def disable(self, name: str) -> None:
        person = self.world.people[name]
        self.world.people[name] = Person(name, person.dn, name, False)

    def go_away(self) -> None:
        self.world.away = "switched off"

    def close(self) -> None: ...


class SlapdStage:
    def __init__(self, folder: Path) -> None:
        self._context = slapd(folder / "slapd")
        self.world: Any = self._context.__enter__()
        self.directory: Directory = opened(self.world)

    def disable(self, name: str) -> None:
        self.world.change(f"cn=Person {name},{PEOPLE}", employeeType="FALSE")

    def go_away(self) -> None:
        self.world.stop()

    def close(self) -> None:
        self._context.__exit__(None, None, None)


@pytest.fixture(params=[FakeStage, SlapdStage])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with contextlib.closing(request.param(tmp_path)) as made:
        yield made


class TestDirectory:
    def test_everybody(self, stage: Any) -> None:
        stage.world.add_person("ann", "secret-of-ann", email="ann@firm.example")
        stage.world.add_person("bob", "secret-of-bob", enabled=False)
        stage.world.add_team("staff", "ann", "bob")
        found = asyncio.run(stage.directory.snapshot())
        people = {person.local_id: person for person in found.people}
        assert set(people) == {"ann", "bob"}
        assert people["ann"].name == "ann" and people["ann"].enabled
        assert people["ann"].extra == {"email": "ann@firm.example"}
        assert not people["bob"].enabled
        assert [(t.local_id, t.name, t.members) for t in found.teams] == [
            ("staff", "staff", frozenset({"ann", "bob"}))
        ]
        assert found.notes == ()

    def test_nobody(self, stage: Any) -> None:
        found = asyncio.run(stage.directory.snapshot())
        assert (found.people, found.teams) == ((), ())

    def test_a_login(self, stage: Any) -> None:
        stage.world.add_person("ann", "secret-of-ann")
        stage.world.add_team("staff", "ann")
        stage.world.add_person("beef", "secret-of-beef")  # which could be digits of bytes
        assert asyncio.run(stage.directory.look("secret-of-beef", local_id="beef")).right
        for called in ({"name": "ann"}, {"name": "ANN"}, {"local_id": "ann"}):
            look = asyncio.run(stage.directory.look("secret-of-ann", **called))
            assert look.right and look.person is not None and look.person.local_id == "ann"
            assert [team.local_id for team in look.teams] == ["staff"]
            assert all(isinstance(team, Team) and not team.members for team in look.teams)

    # U+00AD is a character that preparation of passwords maps to nothing.
    @pytest.mark.parametrize("secret", ["", "wrong", "\u00ad", "\0", "secret-of-ann\0", "\udc80"])
    def test_a_wrong_password(self, stage: Any, secret: str) -> None:
        stage.world.add_person("ann", "secret-of-ann")
        stage.world.add_team("staff", "ann")
        look = asyncio.run(stage.directory.look(secret, name="ann"))
        assert look.person is not None and not look.right and look.teams == ()

    @pytest.mark.parametrize(
        "name", ["nobody", "", "*", "a*", "ann)(uid=*", "\\", "\0", "\udc80", "(", "ann)"]
    )
    def test_names_that_nobody_has(self, stage: Any, name: str) -> None:
        stage.world.add_person("ann", "secret-of-ann")
        for called in ({"name": name}, {"local_id": name}):
            look = asyncio.run(stage.directory.look("secret-of-ann", **called))
            assert look.person is None and not look.right

    def test_one_that_is_disabled_is_seen_to_be(self, stage: Any) -> None:
        stage.world.add_person("ann", "secret-of-ann")
        stage.disable("ann")
        look = asyncio.run(stage.directory.look("secret-of-ann", name="ann"))
        assert look.person is not None and not look.person.enabled

    def test_one_that_is_removed_is_gone(self, stage: Any) -> None:
        stage.world.add_person("ann", "secret-of-ann")
        stage.world.add_person("bob", "secret-of-bob")
        stage.world.add_team("staff", "ann", "bob")
        stage.world.remove_person("ann")
        assert asyncio.run(stage.directory.look("secret-of-ann", name="ann")).person is None
        found = asyncio.run(stage.directory.snapshot())
        assert [person.local_id for person in found.people] == ["bob"]
        assert found.teams[0].members == {"bob"}

    def test_away(self, stage: Any) -> None:
        stage.world.add_person("ann", "secret-of-ann")
        stage.go_away()
        with pytest.raises(DirectoryUnreachable):
            asyncio.run(stage.directory.snapshot())
        with pytest.raises(DirectoryUnreachable):
            asyncio.run(stage.directory.look("secret-of-ann", name="ann"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("ldap") / "slapd") as made:
        made.add_person("ann", "secret-of-ann", email="ann@firm.example")
        made.add_person("bob", "secret-of-bob", enabled=False)
        made.add_team("staff", "ann", "bob")
        yield made


def names(directory: LdapDirectory) -> list[str]:
    return sorted(person.name for person in asyncio.run(directory.snapshot()).people)


class TestLdap:
    """What only the real one has: encryption, pages, the mapping of attributes."""

    def test_encrypted_by_a_known_authority(self, server: Slapd) -> None:
        ca = {"tls_cacertfile": server.ca_file}
        for more in ({"use_tls": True}, {"url": server.tls_url}):
            directory = opened(server, **more, **ca)
            assert directory.capabilities.encrypted
            assert names(directory) == ["ann", "bob"]
            assert asyncio.run(directory.look("secret-of-ann", name="ann")).right
        assert not opened(server).capabilities.encrypted

    def test_an_authority_that_is_not_known_is_refused(self, server: Slapd) -> None:
        for more in ({"use_tls": True}, {"url": server.tls_url}):
            with pytest.raises(DirectoryUnreachable):
                names(opened(server, **more))
            assert names(opened(server, **more, tls_req_cert="never")) == ["ann", "bob"]

    def test_a_certificate_of_another_host_is_refused(self, server: Slapd) -> None:
        url = server.tls_url.replace("127.0.0.1", "localhost")
        with pytest.raises(DirectoryUnreachable):
            names(opened(server, url=url, tls_cacertfile=server.ca_file))

    def test_the_second_server_is_asked_when_the_first_is_away(self, server: Slapd) -> None:
        assert names(opened(server, url=f"ldap://127.0.0.1:1,{server.url}")) == ["ann", "bob"]

    def test_wrong_credentials_of_our_own(self, server: Slapd) -> None:
        with pytest.raises(DirectoryUnreachable, match="configured user"):
            names(opened(server, password="wrong"))

    def test_a_tree_that_is_not_there_is_not_an_empty_one(self, server: Slapd) -> None:
        with pytest.raises(DirectoryUnreachable, match="noSuchObject"):
            names(opened(server, user_tree_dn=f"ou=Nowhere,{SUFFIX}"))
        with pytest.raises(DirectoryUnreachable, match="noSuchObject"):
            names(opened(server, group_tree_dn=f"ou=Nowhere,{SUFFIX}"))

    def test_filters_and_attributes(self, server: Slapd) -> None:
        assert names(opened(server, user_filter="(mail=*)")) == ["ann"]
        more = {"user_additional_attribute_mapping": ["sn:surname"], "user_id_attribute": "mail"}
        found = asyncio.run(opened(server, **more).snapshot()).people
        assert [(p.local_id, p.extra["surname"]) for p in found] == [("ann@firm.example", "ann")]

    def test_a_group_says_who_is_enabled(self, server: Slapd) -> None:
        def with_group(**more: Any) -> dict[str, bool]:
            directory = opened(server, user_enabled_emulation=True, **more)
            return {p.name: p.enabled for p in asyncio.run(directory.snapshot()).people}

        assert with_group() == {"ann": False, "bob": False}
        dn = f"cn=staff,{TEAMS}"
        assert with_group(user_enabled_emulation_dn=dn) == {"ann": True, "bob": True}

    def test_members_by_id(self, server: Slapd) -> None:
        server.add(f"cn=unix,{TEAMS}", "posixGroup", gidNumber=7, memberUid=["bob", "eve"])
        more = {"group_objectclass": "posixGroup", "group_member_attribute": "memberUid"}
        directory = opened(server, **more, group_members_are_ids=True)
        teams = asyncio.run(directory.snapshot()).teams
        assert [(team.name, team.members) for team in teams] == [("unix", frozenset({"bob"}))]
        look = asyncio.run(directory.look("secret-of-bob", name="bob"))
        assert [team.name for team in look.teams] == ["unix"]

    def test_more_users_than_the_server_tells_at_once(self, tmp_path: Path) -> None:
        with slapd(tmp_path / "slapd") as server:
            for number in range(30):
                server.add_person(f"u{number}", "x")
            assert len(names(opened(server, page_size=7))) == 30
            # By whom a limit is set for: the answer is a part, and is not taken for the whole.
            reader = f"cn=Person u1,{PEOPLE}"
            server.stop()
            conf = server.folder / "conf"
            limits = f'limits dn.exact="{reader}" size=10 size.prtotal=10\n'
            conf.write_text(conf.read_text().replace("rootpw", f"{limits}rootpw"))
            server.start()
            with pytest.raises(DirectoryUnreachable, match="sizeLimitExceeded"):
                names(opened(server, user=reader, password="x", page_size=7))

    def test_a_server_that_hangs_has_an_end(self, server: Slapd, tmp_path: Path) -> None:
        with slapd(tmp_path / "slapd") as hung:
            hung.add_person("ann", "x")
            directory = opened(hung, pool_connection_timeout=1)
            assert hung.process is not None
            hung.process.send_signal(19)  # SIGSTOP
            with pytest.raises(DirectoryUnreachable):
                asyncio.run(directory.look("x", name="ann"))
