"""The policy language: its grammar, its semantics, files, circles."""

import os
from pathlib import Path

import pytest

from cumulo.core.auth.policy import PolicyError, Rules

ADMIN = {"user_id": "u1", "project_id": "p1", "roles": ["Admin", "member"], "is_admin": True}


def holds(text: str, credentials: object = None, target: object = None) -> bool:
    return Rules({"a": text}).allows("a", credentials or ADMIN, target or {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("@", True),
        ("!", False),
        ("not !", True),
        ("not not @", True),
        ("role:admin", True),
        ("role:ADMIN", True),
        ("role:reader", False),
        ("is_admin:True", True),
        ("is_admin:1", False),
        ("user_id:u1", True),
        ("user_id:%(user_id)s", False),
        ("! and ! or @", True),
        ("@ or ! and !", True),
        ("(@ or !) and !", False),
        ("not (role:admin and !)", True),
        ("not role:admin or role:member", True),
        ("@ AND Not !", True),
        ("True:True", True),
        ("'x':x", True),
        ("7:7", True),
        ("None:%(owner)s", False),
        ("((role:admin))", True),
    ],
)
def test_language(text: str, expected: bool) -> None:
    assert holds(text) is expected


def test_target_keys_are_flat() -> None:
    rule = "project_id:%(target.project_id)s"
    assert holds(rule, target={"target.project_id": "p1"})
    assert not holds(rule, target={"target": {"project_id": "p1"}})


def test_a_missing_key_denies_and_none_is_a_word() -> None:
    assert holds("None:%(owner)s", target={"owner": None})
    assert holds("project_id:%(owner)s", {"project_id": None}, {"owner": None})
    assert not holds("project_id:None", {"roles": []})
    assert not holds("None:%(owner)s", target={"other": 1})


def test_paths_into_credentials() -> None:
    credentials = {"token": {"domain": {"id": "d"}, "roles": [{"name": "a"}, {"name": "b"}]}}
    assert holds("token.domain.id:d", credentials)
    assert holds("token.domain.id:%(domain)s", credentials, {"domain": "d"})
    assert holds("token.roles.name:b", credentials)
    assert not holds("token.roles.name:c", credentials)
    assert not holds("token.domain.id.deeper:d", credentials)
    assert not holds("token.nothing.id:d", credentials)
    assert not holds("token.x:d", {"token": None})


def test_several_places_in_one_match() -> None:
    target = {"a": "1", "b": 2}
    assert holds("key:%(a)s-%(b)s", {"key": "1-2"}, target)
    assert not holds("key:%(a)s-%(c)s", {"key": "1-2"}, target)
    assert holds("key:100%%", {"key": "100%"}, target)


def test_references_and_default() -> None:
    rules = Rules({"admin": "role:admin", "a": "rule:admin", "default": "!", "b": "rule:nowhere"})
    assert rules.allows("a", ADMIN, {})
    assert not rules.allows("b", ADMIN, {})
    assert not rules.allows("unknown", ADMIN, {})
    open_rules = Rules({"default": "@", "b": "rule:nowhere"})
    assert open_rules.allows("unknown", {}, {})
    assert open_rules.allows("b", {}, {})
    assert not Rules({"a": "@"}).allows("unknown", ADMIN, {})


def test_overrides_reach_through_references() -> None:
    defaults = {"owner": "project_id:%(project_id)s", "get": "rule:owner"}
    rules = Rules(defaults, {"owner": "@"})
    assert rules.allows("get", {}, {})
    assert rules.text("owner") == "@"
    assert rules.text("get") == "rule:owner"


def test_legacy_lists() -> None:
    rules = Rules({}, {"a": [["role:admin", "user_id:u2"], ["is_admin:True"]], "b": [], "c": [[]]})
    assert rules.allows("a", ADMIN, {})
    assert rules.text("a") == "(role:admin and user_id:u2) or (is_admin:True)"
    assert rules.allows("b", {}, {})
    assert not rules.allows("c", {}, {})


@pytest.mark.parametrize(
    "text",
    [
        "role",
        "(@",
        "@)",
        "@ @",
        "and @",
        "@ or",
        "not",
        " ",
        "()",
        "'a':'b'",
        "a:%(b",
        "a:%d",
        "http://somewhere/%(x)s",
        "not " * 200 + "@",
        "(" * 200 + "@" + ")" * 200,
    ],
)
def test_unreadable_rules_are_refused_by_name(text: str) -> None:
    with pytest.raises(PolicyError, match="policy rule 'get_it'"):
        Rules({"get_it": text})


def test_circles_are_told() -> None:
    with pytest.raises(PolicyError, match="a → b → a"):
        Rules({"a": "rule:b", "b": "@ or rule:a"})
    with pytest.raises(PolicyError, match="circle"):
        Rules({"default": "rule:missing"})
    with pytest.raises(PolicyError, match="too many rules in a row"):
        Rules({f"r{n}": f"rule:r{n + 1}" for n in range(500)})


def test_policy_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    rules = Rules({"get": "role:admin", "put": "!"}, path=path)
    assert not rules.reload_if_changed()
    assert not rules.allows("put", ADMIN, {})

    path.write_text('# ours\n"put": "role:member"\n"new": [["role:admin"]]\n')
    assert rules.reload_if_changed()
    assert not rules.reload_if_changed()
    assert rules.allows("put", ADMIN, {})
    assert rules.allows("new", ADMIN, {})

    path.write_text("put: 'role:member or'\n")
    with pytest.raises(PolicyError, match="'put'"):
        rules.reload_if_changed()
    assert not rules.reload_if_changed()
    assert rules.allows("put", ADMIN, {})

    path.unlink()
    assert rules.reload_if_changed()
    assert not rules.allows("put", ADMIN, {})


@pytest.mark.parametrize("content", ["- a\n", "a: 1\n", "1: '@'\n", "a: {\n", "a: [1]\n"])
def test_files_that_are_no_policy(tmp_path: Path, content: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(content)
    with pytest.raises(PolicyError):
        Rules({"get": "@"}, path=path)


def test_an_empty_file_overrides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(os.linesep)
    assert Rules({"get": "@"}, path=path).allows("get", {}, {})
