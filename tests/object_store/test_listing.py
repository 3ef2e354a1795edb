"""Pages against a plain model of what they should be, with names that try to confuse them."""

import random

import pytest

from cumulo.object_store.model import listing
from cumulo.object_store.model.listing import Page, Wish


def fill(names: list[str], wish: Wish) -> tuple[list[str], bool, int]:
    """(entries, more, how many questions)"""
    rows = sorted((name.encode(),) for name in names)
    page, asked = Page(wish), 0
    while (wanted := page.wanted()) is not None:
        asked += 1
        found = [row for row in rows if wanted.low <= row[0] < wanted.high]
        found = found[::-1] if wanted.reverse else found
        page.feed([(*row, "row") for row in found[: wanted.most]], wanted)
    return [each[0].decode() for each in page.entries], page.more, asked


def model(names: list[str], wish: Wish) -> list[str]:
    found: list[str] = []
    for name in sorted(names, key=str.encode, reverse=wish.reverse):
        key, low, high = name.encode(), wish.marker.encode(), wish.end_marker.encode()
        low, high = (high, low) if wish.reverse else (low, high)
        if not name.startswith(wish.prefix) or (low and key <= low) or (high and key >= high):
            continue
        rest = name[len(wish.prefix) :]
        if wish.delimiter and wish.delimiter in rest:
            folder = wish.prefix + rest.partition(wish.delimiter)[0] + wish.delimiter
            if folder != wish.marker and folder not in found:
                found.append(folder)
        else:
            found.append(name)
    return found[: wish.limit]


def test_random_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "CHUNK", 3)
    chance = random.Random(1)
    letters = ["a", "b", "/", "/", "-", "é", "\U0010ffff", " "]
    for _ in range(1500):
        names = {
            "".join(chance.choices(letters, k=chance.randint(1, 5)))
            for _ in range(chance.randint(0, 25))
        }
        some = [*names, "", "", "a", "b/", "a/b"]
        wish = Wish(
            prefix=chance.choice(some)[: chance.randint(0, 3)],
            delimiter=chance.choice(["", "/", "/", "-", "ab", "é"]),
            marker=chance.choice(some),
            end_marker=chance.choice(["", "", *some]),
            reverse=chance.random() < 0.5,
            limit=chance.choice([0, 1, 2, 5, 100]),
        )
        entries, _, _ = fill(list(names), wish)
        assert entries == model(list(names), wish), (sorted(names), wish)


def test_more() -> None:
    assert fill(["a", "b"], Wish(limit=2))[1] is False
    assert fill(["a", "b", "c"], Wish(limit=2))[1] is True


def test_a_large_folder_is_stepped_over() -> None:
    names = [f"folder/{i:06}" for i in range(20_000)] + ["zebra"]
    entries, more, asked = fill(names, Wish(delimiter="/"))
    assert entries == ["folder/", "zebra"] and not more
    assert asked == 2


def test_path_lists_what_is_directly_in_it() -> None:
    wish = Wish(prefix="a/", delimiter="/", only_objects=True)
    # The path itself is not in it; an object named as a directory stands for the directory.
    assert fill(["a/", "a/b", "a/c/d", "b"], wish)[0] == ["a/b"]
    assert fill(["a/", "a/b", "a/c/", "a/c/d", "b"], wish)[0] == ["a/b", "a/c/"]
