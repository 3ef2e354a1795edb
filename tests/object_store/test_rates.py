"""Rate limits: who waits, who is refused, and whose speed counts."""

import asyncio
import time
from pathlib import Path

import pytest

from cumulo.object_store.model.faults import TooFast
from cumulo.object_store.model.rates import Curve, Rates
from tests.support.cloud import running_cloud


def test_a_rate_grows_and_falls_between_sizes() -> None:
    curve = Curve.of({"200": 20.0, "100": 10.0, "300": 0.5})
    assert [curve.at(size) for size in (0, 99, 100, 150, 200, 300, 9999)] == [
        *(0.0, 0.0, 10.0, 15.0, 20.0, 0.5, 0.5)
    ]
    assert Curve().at(5) == 0.0
    with pytest.raises(ValueError, match="x"):
        Curve.of({"x": 1.0})


def test_who_rested_may_be_faster_for_a_while() -> None:
    rates = Rates(longest=2.0, buffer=5.0)
    waits = [rates.delay(("a",), 2.0, 1000.0) for _ in range(15)]
    assert waits[:11] == [0.0] * 11 and waits[11:] == [0.5, 1.0, 1.5, 2.0]
    for _ in range(3):
        with pytest.raises(TooFast):
            rates.delay(("a",), 2.0, 1000.0)
    # What was refused did not count; others are not meant.
    assert rates.delay(("a",), 2.0, 1000.5) == 2.0
    assert rates.delay(("b",), 2.0, 1000.0) == rates.delay(("a",), 0.0, 1000.0) == 0.0


def test_a_cloud_with_limits(tmp_path: Path) -> None:
    async def main() -> None:
        settings = {
            "container_ratelimits": {"0": 2.0},
            "container_listing_ratelimits": {"0": 2.0},
            "account_ratelimit": 1.0,
            "max_sleep_time_seconds": 0.3,
        }
        async with running_cloud(tmp_path / "data", object_store=settings) as cloud:
            await cloud.token("demo")
            base = f"/object-store/v1/AUTH_{cloud.projects['demo']}"
            assert (await cloud.call("PUT", f"{base}/c")).status == 201

            async def told(
                method: str, path: str, most: int = 40, as_: str | None = "demo"
            ) -> list[int]:
                found: list[int] = []
                while len(found) < most and 498 not in found:
                    body = b"x" if path == "/c/o" and method == "PUT" else b""
                    answer = await cloud.call(method, f"{base}{path}", as_=as_, body=body)
                    found.append(answer.status)
                return found

            began = time.monotonic()
            # Strangers' requests do not count.
            assert set(await told("PUT", "/c/o", 20, None)) == {401}
            assert set(await told("PUT", "/c/o", 10)) == {201}
            assert (await told("PUT", "/c/o"))[-1] == 498
            assert (await told("GET", "/c"))[-1] == 498
            assert (await told("PUT", "/d"))[-1] == 498
            assert set(await told("GET", "/c/o", 30)) == {200}
            assert time.monotonic() - began < 20
            info = await cloud.call("GET", "/object-store/info")
            assert info.json["ratelimit"]["container_ratelimits"] == [[0, 2.0]]

    asyncio.run(main())
