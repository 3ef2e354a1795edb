"""What a clean-up takes for a fault."""

import asyncio
from typing import Any, cast

import pytest

from cumulo.benchmark.cleanup.kinds import Kind
from cumulo.benchmark.cleanup.sweep import Report, sweep
from cumulo.benchmark.client.session import ApiError, NotFound, Session


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
