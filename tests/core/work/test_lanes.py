"""Who waits for others' servers keeps nobody else waiting."""

import contextlib
from collections.abc import Collection

from cumulo.core.work.lanes import REMEMBERED_SECONDS, SLOW_SECONDS, Due, Lanes


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_lane_has_few_places() -> None:
    lanes = Lanes(8, each=2)
    with lanes.taken("a") as one, lanes.taken("a") as two:
        assert one and two and lanes.full() == {"a"}
        with lanes.taken("a") as three, lanes.taken("b") as other:
            assert not three and other
        assert lanes.full() == {"a"}, "who had no place gives none back"
    assert not lanes.full()


def test_many_lanes_that_are_slow_leave_half_of_the_places() -> None:
    clock = Clock()
    lanes = Lanes(4, each=1, now=clock)
    with contextlib.ExitStack() as steps:
        assert all(steps.enter_context(lanes.taken(each)) for each in ("slow 1", "slow 2"))
        assert lanes.full() == {"slow 1", "slow 2"}
        clock.now += SLOW_SECONDS
    # They are known now, as is a third one.
    with lanes.taken("slow 3"):
        clock.now += SLOW_SECONDS
    assert not lanes.full(), "there is room for them"
    with lanes.taken("slow 1") as one, lanes.taken("slow 2") as two:
        assert one and two and lanes.full() == {"slow 1", "slow 2", "slow 3"}
        with lanes.taken("slow 3") as three, lanes.taken("quick") as quick:
            assert not three and quick
    clock.now += REMEMBERED_SECONDS + 1
    with lanes.taken("slow 1"), lanes.taken("slow 2"):
        assert "slow 3" not in lanes.full()


def test_who_takes_long_and_is_done_is_not_slow_where_that_is_no_trick() -> None:
    clock = Clock()
    lanes = Lanes(8, each=4, now=clock, patient=True)
    with contextlib.ExitStack() as steps:
        with lanes.taken("bind"):
            clock.now += SLOW_SECONDS * 2
        with contextlib.suppress(OSError), lanes.taken("dead"):
            clock.now += SLOW_SECONDS
            raise OSError
        assert all(steps.enter_context(lanes.taken("dead")) for _ in range(4))
        assert lanes.full() == {"dead"}
        assert all(steps.enter_context(lanes.taken("bind")) for _ in range(2))
        # Half of the places are for the first one of each, whoever that is.
        assert lanes.full() == {"dead", "bind"}
        assert steps.enter_context(lanes.taken("other"))


def test_what_is_chosen_is_not_all_of_one_lane() -> None:
    waiting: list[Due] = [(f"a{n}", "a") for n in range(500)]
    waiting += [("b1", "b"), ("c1", "c"), ("a500", "a"), ("b2", "b"), ("b3", "b")]
    asked = []

    def due(but: Collection[str], most: int) -> list[Due]:
        asked.append(set(but))
        return [each for each in waiting if each[1] not in but][:most]

    lanes = Lanes(8, each=2)
    assert lanes.chosen(due, 8) == ["a0", "a1", "b1", "c1", "b2"]
    assert asked == [set(), {"a"}]
    with lanes.taken("b"), lanes.taken("b"):
        assert lanes.chosen(due, 8) == ["a0", "a1", "c1"]
    assert lanes.chosen(due, 1) == ["a0"]
    assert lanes.chosen(lambda but, most: [], 8) == []
