"""Back-off against guessing, with a clock that stands still unless it is moved."""

import pytest

from cumulo.core.faults import TooManyRequests
from cumulo.identity.service.guessing import (
    FORGOTTEN_AFTER,
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    Guessing,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def fail(guessing: Guessing, user: str, address: str, times: int) -> None:
    for _ in range(times):
        guessing.failed(user, address)


def test_the_first_tries_are_free_then_waits_double() -> None:
    clock = Clock()
    guessing = Guessing(clock=clock)
    fail(guessing, "ann", "1.1.1.1", FREE_TRIES - 1)
    assert guessing.reserve("ann", "1.1.1.1") == 0.0
    waits = []
    for _ in range(4):
        guessing.failed("ann", "1.1.1.1")
        waits.append(guessing.reserve("ann", "1.1.1.1"))
        clock.now += 20
    assert waits == [0.25, 0.5, 1.0, 2.0]


def test_others_do_not_wait() -> None:
    guessing = Guessing(clock=Clock())
    fail(guessing, "ann", "1.1.1.1", 20)
    assert guessing.reserve("ann", "2.2.2.2") == 0.0
    assert guessing.reserve("bob", "1.1.1.1") == 0.0
    assert guessing.reserve("ann", "1.1.1.1") > 0.0


def test_tries_at_the_same_time_queue_up_and_are_refused_at_last() -> None:
    guessing = Guessing(clock=Clock())
    fail(guessing, "ann", "1.1.1.1", 20)
    waits = [guessing.reserve("ann", "1.1.1.1") for _ in range(2)]
    assert waits == [4.0, 8.0]
    with pytest.raises(TooManyRequests) as refusal:
        guessing.reserve("ann", "1.1.1.1")
    assert refusal.value.headers["Retry-After"] == "13"


def test_one_password_on_many_users_is_seen_by_the_address() -> None:
    guessing = Guessing(clock=Clock())
    for number in range(FREE_TRIES_OF_ADDRESS):
        guessing.failed(f"user {number}", "1.1.1.1")
    assert guessing.reserve("never seen", "1.1.1.1") > 0.0
    assert guessing.reserve("never seen", "2.2.2.2") == 0.0


def test_a_right_password_and_time_make_good() -> None:
    clock = Clock()
    guessing = Guessing(clock=clock)
    fail(guessing, "ann", "1.1.1.1", 20)
    guessing.succeeded("ann", "1.1.1.1")
    assert guessing.reserve("ann", "1.1.1.1") == 0.0
    fail(guessing, "ann", "1.1.1.1", 20)
    clock.now += FORGOTTEN_AFTER + 1
    assert guessing.reserve("ann", "1.1.1.1") == 0.0
