"""Passwords: right and wrong ones, long ones, what is remembered and what is forgotten."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import bcrypt
import pytest

from cumulo.core.auth import passwords as module
from cumulo.core.auth.passwords import PASSWORD_LIMIT, Passwords, PasswordTooLong

Checks = list[str]


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def passwords(now: list[float]) -> Iterator[Passwords]:
    made = Passwords(rounds=4, clock=lambda: now[0])
    yield made
    made.close()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    """The stored hashes that bcrypt was really asked about."""
    asked: Checks = []
    real = module._matches

    def counted(secret: bytes, stored: str) -> bool:
        asked.append(stored)
        return real(secret, stored)

    monkeypatch.setattr(module, "_matches", counted)
    return asked


@pytest.mark.parametrize(
    "password", ["secret", "", "påsswörd", "x" * 72, "x" * 73, "\0a", "\ud800", "ü" * 1000]
)
def test_right_and_wrong(passwords: Passwords, password: str) -> None:
    async def main() -> None:
        stored = await passwords.hash(password)
        assert stored.startswith("$2b$04$")
        assert await passwords.verify(password, stored)
        assert not await passwords.verify(password + "x", stored)

    asyncio.run(main())


def test_too_long(passwords: Passwords) -> None:
    async def main() -> None:
        stored = await passwords.hash("x" * PASSWORD_LIMIT)
        assert await passwords.verify("x" * PASSWORD_LIMIT, stored)
        assert not await passwords.verify("x" * (PASSWORD_LIMIT + 1), stored)
        with pytest.raises(PasswordTooLong):
            await passwords.hash("ü" * PASSWORD_LIMIT)

    asyncio.run(main())


@pytest.mark.parametrize("stored", ["", "x", "$2b$", "$2b$04$short", "\0", "$6$salt$digest", "é"])
def test_what_is_no_hash_matches_nothing(passwords: Passwords, stored: str) -> None:
    assert not asyncio.run(passwords.verify("secret", stored))


def test_hashes_of_other_bcrypt_writers(passwords: Passwords) -> None:
    stored = bcrypt.hashpw(b"secret", bcrypt.gensalt(4, prefix=b"2a")).decode()
    assert asyncio.run(passwords.verify("secret", stored))


def test_right_ones_are_remembered_for_a_minute(
    passwords: Passwords, checks: Checks, now: list[float]
) -> None:
    async def main() -> None:
        stored = await passwords.hash("secret")
        for _ in range(3):
            assert await passwords.verify("secret", stored)
        assert len(checks) == 1
        now[0] += module.VERIFIED_SECONDS - 1
        assert await passwords.verify("secret", stored)
        assert len(checks) == 1
        now[0] += 1
        assert await passwords.verify("secret", stored)
        assert len(checks) == 2

    asyncio.run(main())


def test_wrong_ones_are_not(passwords: Passwords, checks: Checks) -> None:
    async def main() -> None:
        stored = await passwords.hash("secret")
        for _ in range(3):
            assert not await passwords.verify("Secret", stored)
        assert len(checks) == 3

    asyncio.run(main())


def test_memory_holds_no_password(passwords: Passwords) -> None:
    async def main() -> None:
        stored = await passwords.hash("secret-in-memory")
        assert await passwords.verify("secret-in-memory", stored)

    asyncio.run(main())
    assert passwords._verified
    assert "secret-in-memory" not in repr(passwords._verified)


def test_forgetting(passwords: Passwords, checks: Checks) -> None:
    async def main() -> None:
        one, other = await passwords.hash("secret"), await passwords.hash("secret")
        assert await passwords.verify("secret", one)
        assert await passwords.verify("secret", other)
        passwords.forget(one)
        assert await passwords.verify("secret", other)
        assert checks == [one, other]
        assert await passwords.verify("secret", one)
        assert checks == [one, other, one]

    asyncio.run(main())


def test_forgetting_while_it_is_checked(
    passwords: Passwords, checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    counted = module._matches

    def gated(secret: bytes, stored: str) -> bool:
        gate.wait(10)
        return counted(secret, stored)

    monkeypatch.setattr(module, "_matches", gated)

    async def main() -> None:
        stored = await passwords.hash("secret")
        flight = asyncio.ensure_future(passwords.verify("secret", stored))
        await asyncio.sleep(0)
        passwords.forget(stored)
        gate.set()
        assert await flight
        assert await passwords.verify("secret", stored)
        assert len(checks) == 2

    asyncio.run(main())


def test_many_at_once_cost_one_hash(passwords: Passwords, checks: Checks) -> None:
    async def main() -> None:
        stored = await passwords.hash("secret")
        asked = [passwords.verify("secret", stored) for _ in range(50)]
        assert await asyncio.gather(*asked) == [True] * 50
        wrong = [passwords.verify("wrong", stored) for _ in range(50)]
        assert await asyncio.gather(*wrong) == [False] * 50
        assert len(checks) == 2

    asyncio.run(main())


def test_one_that_hangs_up_does_not_fail_the_others(passwords: Passwords) -> None:
    async def main() -> None:
        stored = await passwords.hash("secret")
        first = asyncio.ensure_future(passwords.verify("secret", stored))
        second = asyncio.ensure_future(passwords.verify("secret", stored))
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert first.cancelled()

    asyncio.run(main())


def test_two_threads_at_most(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = threading.Lock()
    running, most = 0, 0
    real: Callable[[bytes, str], bool] = module._matches

    def watched(secret: bytes, stored: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return real(secret, stored)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(module, "_matches", watched)

    async def main() -> None:
        stored = await passwords.hash("secret")
        await asyncio.gather(*(passwords.verify(f"wrong{n}", stored) for n in range(40)))

    asyncio.run(main())
    assert 1 <= most <= module.THREADS


def test_the_memory_is_bounded(
    passwords: Passwords, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VERIFIED_LIMIT", 3)

    async def main() -> None:
        for n in range(6):
            assert await passwords.verify(f"p{n}", await passwords.hash(f"p{n}"))
        assert len(passwords._verified) == 3
        now[0] += module.VERIFIED_SECONDS
        assert await passwords.verify("new", await passwords.hash("new"))
        assert len(passwords._verified) == 1

    asyncio.run(main())


def test_unknown_users_cost_a_hash_of_the_same_rounds(passwords: Passwords, checks: Checks) -> None:
    async def main() -> None:
        assert not await passwords.verify_unknown_user("secret")
        assert not await passwords.verify_unknown_user("secret")
        assert not await passwords.verify_unknown_user("x" * (PASSWORD_LIMIT + 1))

    asyncio.run(main())
    assert [stored[:7] for stored in checks] == ["$2b$04$"] * 2
    # bcrypt did the work: a text that is no hash would have been an error at once.
    assert not bcrypt.checkpw(b"secret", checks[0].encode())
