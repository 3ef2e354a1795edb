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
