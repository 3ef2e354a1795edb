"""What a clean-up takes for a fault."""

import asyncio
import json
from typing import Any, cast

import pytest

from cumulo.benchmark import names
from cumulo.benchmark.cleanup.kinds import PROJECT, Kind
from cumulo.benchmark.cleanup.notes import undo, used_services
from cumulo.benchmark.cleanup.sweep import Report, _into, sweep
from cumulo.benchmark.client.http import Answer
from cumulo.benchmark.client.session import ApiError, Credentials, NotFound, Session
from cumulo.benchmark.model.result import Note
from cumulo.benchmark.service import environments


class Refusing:
    """A cloud that has the service and refuses each list."""

    def __init__(self, error: ApiError) -> None:
        self._error = error

    async def has(self, service: str) -> bool:
        return True

    async def get(self, service: str, path: str, **_: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        (NotFound(404, "GET", "/backups", "no such thing", ""), 0),
        (ApiError(500, "GET", "/backups", "broken", ""), 1),
    ],
)
def test_what_a_cloud_does_not_have_is_no_fault(error: ApiError, failed: int) -> None:
    report = Report()
    kind = Kind("cinder.backups", "cinder", "/backups", "backups")
    cloud = cast(Session, Refusing(error))
    asyncio.run(sweep(cloud, [kind], lambda item, kind: True, report))
    assert report.failed == failed


class Paged:
    """A cloud with zones of others and, on its last page, ours; pages as services link them."""

    def __init__(self, links: str) -> None:
        self.links = links
        self.there = [{"id": f"z{n:03}", "name": "theirs"} for n in range(50)]
        self.there += [{"id": f"z{n:03}", "name": "s-rally"} for n in range(50, 53)]

    async def has(self, service: str) -> bool:
        return True

    async def get(self, service: str, path: str, *, query: dict[str, Any]) -> Any:
        ids = [each["id"] for each in self.there]
        at = ids.index(query["marker"]) + 1 if "marker" in query else 0
        page: dict[str, Any] = {"zones": self.there[at : at + 20]}
        if at + 20 < len(self.there):
            page |= {
                "links": {"links": {"self": "x", "next": "y"}},
                "zones_links": {"zones_links": [{"rel": "next", "href": "y"}]},
                "next": {"next": "/zones?marker=x"},
            }[self.links]
        return page

    async def delete(self, service: str, path: str) -> None:
        self.there = [each for each in self.there if not path.endswith(each["id"])]


@pytest.mark.parametrize("links", ["links", "zones_links", "next"])
def test_what_is_ours_is_found_behind_pages_of_others(links: str) -> None:
    report, cloud = Report(), Paged(links)
    kind = Kind("designate.zones", "dns", "/zones", "zones")
    mine = lambda item, kind: item["name"].startswith("s-rally")  # noqa: E731
    asyncio.run(sweep(cast(Session, cloud), [kind], mine, report))
    assert (report.deleted, report.failed) == (3, 0)
    assert {each["name"] for each in cloud.there} == {"theirs"} and len(cloud.there) == 50


class Bare:
    """Lists that say nothing of a next page."""

    def __init__(self, key: str) -> None:
        self.names = [f"{n:03}" for n in range(25)]
        self.key = key

    async def get(self, service: str, path: str, *, query: dict[str, Any]) -> Any:
        at = self.names.index(query["marker"]) + 1 if query["marker"] else 0
        return [{self.key: name} for name in self.names[at : at + 10]]


@pytest.mark.parametrize(
    ("name", "key"),
    [("swift.container", "name"), ("gnocchi.metric", "id"), ("gnocchi.resource", "id")],
)
def test_bare_lists_are_read_to_their_end(name: str, key: str) -> None:
    (kind,) = [each for each in PROJECT if each.name == name]
    assert len(asyncio.run(kind.items(cast(Session, Bare(key))))) == 25


class Entered:
    """An identity service with one project of a run."""

    project = {"id": "p", "name": "c_rally_11111111_abcdefgh", "domain_id": "default"}

    def __init__(self) -> None:
        self.credentials = Credentials("http://x")
        self.made: list[dict[str, Any]] = []
        self.given: list[str] = []
        self.logins: list[dict[str, Any]] = []
        self.http = self
        self.user_id = "admin"

    async def request(self, method: str, url: str, headers: Any, body: bytes) -> Answer:
        self.logins.append(json.loads(body)["auth"])
        token = {"user": {"id": "u"}, "project": {"id": "p", "name": "x"}, "catalog": []}
        return Answer(201, {"x-subject-token": "t"}, json.dumps({"token": token}).encode(), 0)

    async def token(self) -> str:
        return "t"

    async def get(self, service: str, path: str) -> Any:
        return {"roles": [{"name": "admin", "id": "a"}, {"name": "member", "id": "m"}]}

    async def put(self, service: str, path: str) -> None:
        self.given.append(path)

    async def post(self, service: str, path: str, body: Any) -> Any:
        self.made.append(body["user"])
        return {"user": {"id": "guest"}}


@pytest.mark.parametrize("password", ["secret", ""])
def test_a_project_is_entered_also_without_a_password(password: str) -> None:
    """An application credential leads nowhere else: a user is made, whom the clean-up finds."""
    admin = Entered()
    own = "" if password else "i"
    admin.credentials = Credentials("http://x", "root", password, application_credential_id=own)
    asyncio.run(_into(cast(Session, admin), admin.project))
    (login,) = admin.logins
    user = login["identity"]["password"]["user"]
    assert login["scope"]["project"]["name"] == admin.project["name"]
    if password:
        assert (user["name"], admin.made) == ("root", [])
        return
    (made,) = admin.made
    assert (user["name"], user["password"]) == (made["name"], made["password"])
    assert names.made_by(made["name"], "11111111" + "0" * 28)
    assert "/projects/p/users/guest/roles/m" in admin.given


class Catalog:
    def __init__(self, there: set[str]) -> None:
        self.there = there
        self.credentials = Credentials("http://x", types={"image": "odd"})
        self.called: dict[str, str] = {}

    def call_types(self, types: Any) -> None:
        self.called = dict(types)

    async def has(self, service: str) -> bool:
        return service in self.there


def test_services_are_looked_for_where_the_run_found_them() -> None:
    notes = [
        Note("services", "", "", {"volume": "volumev3x"}),
        Note("services", "", "", {"volume": "", "compute": "", "dns": ""}),
        Note("quota", "nova", "p", {"cores": 1}),
    ]
    used = used_services(notes)
    assert used == {"volume": "volumev3x", "compute": "", "dns": ""}
    report, cloud = Report(), Catalog({"volume", "compute"})
    asyncio.run(environments._find_services([cast(Session, cloud)], used, report))
    assert cloud.called == {"image": "odd", "volume": "volumev3x"}
    # What was left there must not be forgotten.
    assert report.failed == 1 and "'dns'" in report.errors[0]
    asyncio.run(undo(None, notes[0], report))
    assert report.failed == 1
