"""Scenarios of tokens: getting one, and using it with each service."""

from typing import Any

from cumulo.benchmark.client.session import Session
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import number, scenario

_TIMES = {"repetitions": number(1, whole=True)}


@scenario("Authenticate.keystone")
async def keystone(run: Run) -> None:
    """Get a token with a password"""
    with run.action("authenticate.keystone"):
        await Session(run.surroundings.http, run.cloud.credentials).authenticate()


async def _validate(run: Run, name: str, repetitions: int, service: str, path: str) -> None:
    """A new token, used so many times for something small."""
    session = Session(run.surroundings.http, run.cloud.credentials)
    await session.token()
    with run.action(f"authenticate.validate_{name}"):
        for _ in range(repetitions):
            await session.call(service, "GET", path)


def _declare(name: str, service: str, path: str) -> None:
    async def validate(run: Run, repetitions: int) -> None:
        await _validate(run, name, repetitions, service, path)

    validate.__doc__ = f"Use a new token with {name} so many times"
    scenario(f"Authenticate.validate_{name}", services=(name,), numbers=_TIMES)(validate)


_SMALL: tuple[tuple[str, str, Any], ...] = (
    ("glance", "image", "/images?name=__intentionally_non_existent_image___"),
    ("nova", "compute", "/flavors/detail"),
    ("cinder", "volume", "/types"),
    ("neutron", "network", "/networks"),
    ("heat", "orchestration", "/stacks?limit=0"),
    ("ceilometer", "metering", "/meters"),
)
for _name, _service, _path in _SMALL:
    _declare(_name, _service, _path)
