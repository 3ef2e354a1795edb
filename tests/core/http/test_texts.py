"""Texts that are kept: of small things only, and none of a database that went back."""

from types import SimpleNamespace
from typing import Any, cast

from cumulo.core.http.texts import LARGEST, Texts, forget_all, keep_any

CALL = cast(Any, SimpleNamespace(version=None, base_url="http://cloud.test"))


def test_large_ones_are_made_anew() -> None:
    texts, made = Texts(), list[int]()

    def body(size: int) -> dict[str, str]:
        made.append(size)
        return {"a": "x" * size}

    for _ in range(3):
        texts.of(CALL, "small", 1, lambda: body(10))
        large = texts.of(CALL, "large", 1, lambda: body(LARGEST))
        assert len(bytes(large)) > LARGEST
    assert sorted(made) == [10, *[LARGEST] * 3]


def test_a_database_that_went_back_takes_them_along() -> None:
    """The same source may stand for something else then."""
    texts = Texts()
    assert bytes(texts.of(CALL, "id", 6, lambda: {"name": "lost"})) == b'{"name":"lost"}'
    forget_all()
    assert bytes(texts.of(CALL, "id", 6, lambda: {"name": "other"})) == b'{"name":"other"}'


def test_nothing_is_kept_beside_nodes_that_tell_of_no_change() -> None:
    texts = Texts()
    texts.of(CALL, "id", 6, lambda: {"name": "old"})
    keep_any(False)
    try:
        for name in (b"new", b"newer"):
            text = texts.of(CALL, "id", 6, lambda name=name: {"name": name.decode()})  # type: ignore[misc]
            assert name in bytes(text)
    finally:
        keep_any(True)
