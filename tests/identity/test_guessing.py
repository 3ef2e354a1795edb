"""Back-off against guessing, with a clock that stands still unless it is moved, on both engines."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from cumulo import settings, wiring
from cumulo.core.auth.passwords import Passwords
from cumulo.core.faults import TooManyRequests
from cumulo.identity.reconcile import Expired
from cumulo.identity.service import guessing as module
from cumulo.identity.service.accounts import Accounts
from cumulo.identity.service.guessing import (
    FORGOTTEN_AFTER,
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    FREE_TRIES_OF_USER,
    LONGEST_WAIT_OF_USER,
    PEEKS,
    Guessing,
)
from cumulo.identity.service.security import SecurityRules
from cumulo.identity.service.users import Users


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """A database with one process at it, or more."""

    def __init__(self, tmp_path: Path, url: str) -> None:
        self.clock = Clock()
        self.wanted = settings.load(tmp_path, database={"url": url})
        self.database = wiring.open_database(self.wanted)
        self.guessing = Guessing(self.database, clock=self.clock)

    async def fail(self, user: str, address: str, times: int) -> None:
        for _ in range(times):
            await self.guessing.failed(user, address)


def play(tmp_path: Path, url: str, story: Callable[[Stage], Awaitable[None]]) -> None:
    stage = Stage(tmp_path, url)
    try:
        asyncio.run(story(stage))  # type: ignore[arg-type]
    finally:
        stage.database.close()


def test_the_first_tries_are_free_then_waits_double(tmp_path: Path, database_url: str) -> None:
    async def story(stage: Stage) -> None:
        guessing = stage.guessing
        await stage.fail("ann", "1.1.1.1", FREE_TRIES - 1)
        assert await guessing.reserve("ann", "1.1.1.1") == 0.0
        waits = []
        for _ in range(4):
            await guessing.failed("ann", "1.1.1.1")
            waits.append(await guessing.reserve("ann", "1.1.1.1"))
            stage.clock.now += 20
        assert waits == [0.25, 0.5, 1.0, 2.0]

    play(tmp_path, database_url, story)


def test_others_do_not_wait(tmp_path: Path, database_url: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.fail("ann", "1.1.1.1", 20)
        assert await stage.guessing.reserve("ann", "2.2.2.2") == 0.0
        assert await stage.guessing.reserve("bob", "1.1.1.1") == 0.0
        assert await stage.guessing.reserve("ann", "1.1.1.1") > 0.0

    play(tmp_path, database_url, story)


def test_tries_at_the_same_time_queue_up_and_are_refused_at_last(
    tmp_path: Path, database_url: str
) -> None:
    async def story(stage: Stage) -> None:
        await stage.fail("ann", "1.1.1.1", 20)
        asked = (stage.guessing.reserve("ann", "1.1.1.1") for _ in range(2))
        assert sorted(await asyncio.gather(*asked)) == [4.0, 8.0]
        with pytest.raises(TooManyRequests) as refusal:
            await stage.guessing.reserve("ann", "1.1.1.1")
        assert refusal.value.headers["Retry-After"] == "13"

    play(tmp_path, database_url, story)


def test_guesses_at_the_same_time_all_count(tmp_path: Path, database_url: str) -> None:
    async def story(stage: Stage) -> None:
        asked = (stage.guessing.failed(f"user {n}", "1.1.1.1") for n in range(20))
        await asyncio.gather(*asked)
        await stage.fail("bob", "1.1.1.1", FREE_TRIES_OF_ADDRESS - 21)
        assert await stage.guessing.reserve("never seen", "1.1.1.1") == 0.0
        await stage.fail("ann", "1.1.1.1", 1)
        assert await stage.guessing.reserve("never seen", "1.1.1.1") > 0.0
        assert await stage.guessing.reserve("never seen", "2.2.2.2") == 0.0

    play(tmp_path, database_url, story)


def test_a_right_password_and_time_make_good(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.fail("ann", "1.1.1.1", 20)
        await stage.guessing.succeeded("ann", "1.1.1.1")
        assert await stage.guessing.reserve("ann", "1.1.1.1") == 0.0
        await stage.fail("ann", "1.1.1.1", 20)
        stage.clock.now += FORGOTTEN_AFTER + 1
        assert await stage.guessing.reserve("ann", "1.1.1.1") == 0.0
        await stage.fail("ann", "1.1.1.1", 1)
        assert await stage.guessing.reserve("ann", "1.1.1.1") == 0.0

    play(tmp_path, "", story)


def test_another_process_knows(tmp_path: Path, postgresql_dsn: str) -> None:
    async def story(stage: Stage) -> None:
        database = wiring.open_database(stage.wanted)
        other = Guessing(database, clock=stage.clock)
        try:
            assert await other.reserve("ann", "1.1.1.1") == 0.0
            await stage.fail("ann", "1.1.1.1", FREE_TRIES)
            end = time.monotonic() + 10
            while not await other.reserve("ann", "1.1.1.1"):
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            await other.succeeded("ann", "1.1.1.1")
            assert await stage.guessing.reserve("ann", "1.1.1.1") == 0.0
        finally:
            database.close()

    play(tmp_path, postgresql_dsn, story)


def test_the_counts_do_not_fill_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 10)

    async def story(stage: Stage) -> None:
        expired = Expired(stage.database, [stage.guessing])
        for number in range(30):
            stage.clock.now += 1
            await stage.guessing.failed(f"user {number}", "1.1.1.1")
        assert await stage.database.read(lambda tx: expired.due(tx, 1)) == ["guesses"]
        await expired.step("guesses")
        assert await stage.database.read(lambda tx: expired.due(tx, 1)) == []
        await stage.fail("user 29", "1.1.1.1", FREE_TRIES - 1)
        assert await stage.guessing.reserve("user 29", "1.1.1.1") > 0.0
        stage.clock.now += FORGOTTEN_AFTER + 1
        await expired.step("guesses")
        assert await stage.database.read(lambda tx: stage.guessing.expired(tx, 1)) == []

    play(tmp_path, "", story)


def test_guesses_at_once_all_count(tmp_path: Path, database_url: str) -> None:
    async def story(stage: Stage) -> None:
        await asyncio.gather(*(stage.guessing.failed("ann", "192.0.2.1") for _ in range(12)))
        # The clock stands still: the next try waits as long as after twelve in a row.
        other = Guessing(stage.database, clock=stage.clock)
        await stage.fail("bob", "192.0.2.2", 12)
        assert await other.reserve("ann", "192.0.2.1") == await other.reserve("bob", "192.0.2.2")
        assert await other.reserve("ann", "192.0.2.1") > 0

    play(tmp_path, database_url, story)


def test_a_user_is_not_guessed_from_many_networks(tmp_path: Path, database_url: str) -> None:
    """Ten minutes of all the tries that are let through, each from another address."""

    async def story(stage: Stage) -> None:
        places = (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(100_000))
        begun, tried = stage.clock.now, 0
        while stage.clock.now < begun + 600:
            try:
                wait = await stage.guessing.reserve("totp ann", next(places))
            except TooManyRequests:
                stage.clock.now += 1
                continue
            stage.clock.now += wait
            await stage.guessing.failed("totp ann", next(places))
            tried += 1
        assert FREE_TRIES_OF_USER <= tried <= FREE_TRIES_OF_USER + 600 / LONGEST_WAIT_OF_USER + 10

    play(tmp_path, database_url, story)


def test_the_addresses_of_one_ipv6_network_are_one(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for number in range(FREE_TRIES):
            await stage.guessing.failed("ann", f"2001:db8:1:2:{number:x}::1")
        assert await stage.guessing.reserve("ann", "2001:db8:1:2:ffff::1") > 0.0
        assert await stage.guessing.reserve("ann", "2001:db8:1:3::1") == 0.0
        for _ in range(FREE_TRIES):
            await stage.guessing.failed("bob", "::ffff:192.0.2.1")
        assert await stage.guessing.reserve("bob", "192.0.2.1") > 0.0
        assert await stage.guessing.reserve("bob", "192.0.2.2") == 0.0

    play(tmp_path, "", story)


def test_wrong_logins_behind_an_address_do_not_hold_up_the_others(
    tmp_path: Path, database_url: str
) -> None:
    async def story(stage: Stage) -> None:
        await stage.guessing.succeeded("ann", "192.0.2.1")
        for number in range(130):
            await stage.guessing.failed(f"user {number % 40}", "192.0.2.1")
        assert await stage.guessing.reserve("ann", "192.0.2.1") == 0.0
        waits = [await stage.guessing.reserve(f"new {n}", "192.0.2.1") for n in range(10)]
        assert 0 < max(waits) <= 1.5

    play(tmp_path, database_url, story)


def test_where_a_user_is_known_others_lock_nobody_out(tmp_path: Path, database_url: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.guessing.succeeded("ann", "192.0.2.1")
        for number in range(FREE_TRIES_OF_USER + 20):
            await stage.guessing.failed("ann", f"10.0.0.{number}")
        with pytest.raises(TooManyRequests):
            await stage.guessing.reserve("ann", "198.51.100.1")
        again = Guessing(stage.database, clock=stage.clock)  # a process that has just begun
        assert await again.reserve("ann", "192.0.2.1") == 0.0
        await stage.fail("ann", "192.0.2.1", FREE_TRIES)
        assert 0.0 < await again.reserve("ann", "192.0.2.1") <= 4.0

    play(tmp_path, database_url, story)


def test_places_are_known_for_a_month(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        places = stage.guessing.places
        await stage.guessing.succeeded("ann", "192.0.2.1")
        expired = Expired(stage.database, [places])
        assert await stage.database.read(lambda tx: expired.due(tx, 1)) == []
        stage.clock.now += 31 * 86_400
        assert await stage.database.read(lambda tx: expired.due(tx, 1)) == ["known places"]
        await expired.step("known places")
        for number in range(FREE_TRIES_OF_USER + 20):
            await stage.guessing.failed("ann", f"10.0.0.{number}")
        with pytest.raises(TooManyRequests):
            await stage.guessing.reserve("ann", "192.0.2.1")

    play(tmp_path, "", story)


def test_what_was_right_a_moment_ago_does_not_wait(tmp_path: Path) -> None:
    """And yet nobody behind the same address finds a password out by trying faster."""

    async def story(stage: Stage) -> None:
        passwords = Passwords(4)
        accounts = Accounts(stage.database, passwords, cast(Users, None), SecurityRules())
        accounts.guessing = guessing = stage.guessing
        stored = await passwords.hash("right")
        await accounts.check_secret(stored, "right", "ann", "192.0.2.1")
        await stage.fail("ann", "192.0.2.1", 20)  # an old script with an old password
        await accounts.check_secret(stored, "right", "ann", "192.0.2.1")
        assert not guessing.may_peek("ann", "192.0.2.2")
        for _ in range(PEEKS):
            assert guessing.may_peek("ann", "192.0.2.1")
            guessing.peeked_in_vain("ann", "192.0.2.1")
        assert not guessing.may_peek("ann", "192.0.2.1")
        stage.clock.now += FORGOTTEN_AFTER + 1
        assert guessing.may_peek("ann", "192.0.2.1")
        passwords.close()

    play(tmp_path, "", story)
