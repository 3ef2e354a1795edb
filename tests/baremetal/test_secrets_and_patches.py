"""What is masked and sealed, and what patches do."""

from pathlib import Path
from typing import Any

import pytest

from cumulo.baremetal.service.patches import Change, patched, path_of
from cumulo.baremetal.service.secrets import kept, masked, opened, sealed
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.faults import BadRequest


def test_secrets_are_masked_wherever_they_are() -> None:
    shown = masked({"redfish_password": "x", "a": [{"Secret": "y"}], "user": "z", "password": ""})
    assert shown == {
        "redfish_password": "******", "a": [{"Secret": "******"}], "user": "z", "password": "",
    }  # fmt: skip


def test_the_seal_holds(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    whole = {"address": "a", "ipmi_password": "hidden"}
    shown, token = sealed(ring, whole)
    assert token is not None and "hidden" not in token and "hidden" not in str(shown)
    assert opened(ring, shown, token) == whole
    assert sealed(ring, {"address": "a"}) == ({"address": "a"}, None)


def test_a_mask_that_comes_back_changes_nothing() -> None:
    assert kept({"password": "******", "a": 1}, {"password": "p"}) == {"password": "p", "a": 1}
    assert kept({"password": "new"}, {"password": "p"}) == {"password": "new"}


def change(op: Any, path: str, value: Any = None) -> Change:
    return Change(op, path_of(path), value)


def test_patches() -> None:
    old = {"extra": {"a": {"b": 1}, "l": [1, 2]}, "name": None}
    steps = [
        change("add", "/extra/a/c~1d", 2),
        change("replace", "/extra/a/b", 3),
        change("add", "/extra/l/-", 3),
        change("remove", "/extra/l/0"),
        change("add", "/name", "n"),
    ]
    new = patched(old, steps, frozenset())
    assert new == {"extra": {"a": {"b": 3, "c/d": 2}, "l": [2, 3]}, "name": "n"}
    assert old["extra"] == {"a": {"b": 1}, "l": [1, 2]}


@pytest.mark.parametrize(
    "wrong",
    [
        ("replace", "/extra/none"),
        ("remove", "/extra/a/none"),
        ("add", "/extra/none/deep"),
        ("add", "/name/deep"),
        ("add", "/no_such"),
        ("replace", "/uuid"),
        ("remove", "/extra/l/7"),
        ("add", "/extra/l/x"),
    ],
)
def test_what_does_not_fit(wrong: tuple[str, str]) -> None:
    old = {"extra": {"a": {}, "l": [1]}, "name": "n"}
    with pytest.raises(BadRequest):
        patched(old, [change(*wrong)], frozenset(("uuid",)))


@pytest.mark.parametrize("path", ["", "extra", "/", "//", "/a" * 40])
def test_paths(path: str) -> None:
    with pytest.raises(BadRequest):
        path_of(path)
