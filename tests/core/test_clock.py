"""Moments: what clients write, and what lies at the calendar's ends."""

import pytest

from cumulo.core.clock import later, of_text, seconds_of, zulu


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-29T12:00:00Z", "2026-11-29T12:00:00.000000"),
        ("2026-11-29T12:00:00+02:00", "2026-11-29T10:00:00.000000"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000"),
        ("9999-01-01T00:00:00.000000Z", "9999-01-01T00:00:00.000000"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000"),
    ],
)
def test_times_of_clients(text: str, moment: str) -> None:
    found = of_text(text)
    assert found == moment and zulu(found).endswith("Z")
    assert isinstance(seconds_of(found), float)


@pytest.mark.parametrize(
    "text", ["", "soon", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "10000-01-01",
             "2026-11-29T12:00:00Z" * 9],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        of_text(text)


def test_the_calendar_has_ends() -> None:
    assert later("9999-12-31T00:00:00.000000", 1e12) == "9999-12-31T23:59:59.999999"
    assert later("0001-01-01T00:00:00.000000", -5) == "0001-01-01T00:00:00.000000"
    assert later("2026-11-29T12:00:00.000000", 0.5) == "2026-11-29T12:00:00.500000"
