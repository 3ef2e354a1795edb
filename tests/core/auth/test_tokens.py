"""Tokens: what is put in comes out, everything else is refused, keys rotate."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo.core.auth.tokens import (
    TOKEN_LIMIT,
    InvalidToken,
    TokenKeys,
    TokenPayload,
    new_audit_id,
)

USER = "0123456789abcdef0123456789abcdef"


def payload(**changes: object) -> TokenPayload:
    fields: dict[str, object] = {
        "user_id": USER,
        "methods": ["password"],
        "scope": "project",
        "scope_id": USER[::-1],
        "issued_at": 1_800_000_000.25,
        "expires_at": 1_800_003_600.25,
        "audit_ids": [new_audit_id()],
    }
    return TokenPayload(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> TokenKeys:
    return TokenKeys(tmp_path_factory.mktemp("keys"))


texts = st.text(st.characters(codec="utf-8"), max_size=40)
ids = st.one_of(st.uuids().map(lambda u: u.hex), st.uuids().map(str), texts)
optional = st.one_of(st.none(), ids)
times = st.floats(0, 1e11)
payloads = st.builds(
    TokenPayload,
    version=st.just(1),
    user_id=ids,
    methods=st.lists(texts, max_size=4),
    scope=st.sampled_from(["unscoped", "project", "domain", "system"]),
    scope_id=ids,
    issued_at=times,
    expires_at=times,
    audit_ids=st.lists(texts, max_size=2),
    trust_id=optional,
    app_cred_id=optional,
    access_token_id=optional,
    identity_provider_id=optional,
    protocol_id=optional,
    federated_group_ids=st.lists(ids, max_size=4),
)


@settings(deadline=None)
@given(payloads)
def test_round_trip(keys: TokenKeys, original: TokenPayload) -> None:
    token = keys.encode(original)
    assert keys.decode(token) == original
    assert token.isascii()
    assert "=" not in token


@settings(deadline=None)
@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_garbage(keys: TokenKeys, token: str) -> None:
    with pytest.raises(InvalidToken):
        keys.decode(token)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_one_changed_character(keys: TokenKeys, data: st.DataObject) -> None:
    token = keys.encode(payload())
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[at]))
    with pytest.raises(InvalidToken):
        keys.decode(token[:at] + other + token[at + 1 :])


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_rightly_sealed_nonsense(tmp_path_factory: pytest.TempPathFactory, inside: bytes) -> None:
    folder = tmp_path_factory.mktemp("sealed")
    keys = TokenKeys(folder)
    token = Fernet((folder / "0").read_bytes()).encrypt(inside).decode()
    with pytest.raises(InvalidToken):
        keys.decode(token)


def test_too_long(keys: TokenKeys) -> None:
    with pytest.raises(InvalidToken):
        keys.decode("A" * (TOKEN_LIMIT + 1))
    with pytest.raises(ValueError, match="longer"):
        keys.encode(payload(methods=["x" * TOKEN_LIMIT]))


@pytest.mark.parametrize("foreign", ["!", "\n", " ", "=", "."])
def test_one_spelling_only(keys: TokenKeys, foreign: str) -> None:
    token = keys.encode(payload())
    for changed in (token[:9] + foreign + token[9:], foreign + token, token + foreign * 4):
        with pytest.raises(InvalidToken):
            keys.decode(changed)


def test_padding_may_be_there(keys: TokenKeys) -> None:
    token = keys.encode(payload())
    assert keys.decode(token + "=" * (-len(token) % 4)) == keys.decode(token)


def test_a_project_token_is_short(keys: TokenKeys) -> None:
    assert len(keys.encode(payload())) <= 255  # what keystone promises


def test_unknown_version(keys: TokenKeys) -> None:
    with pytest.raises(InvalidToken):
        keys.decode(keys.encode(payload(version=2)))


def test_files(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "keys"
    TokenKeys(folder)
    assert [entry.name for entry in folder.iterdir()] == ["0"]
    assert stat.S_IMODE((folder / "0").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_other_processes_share_the_keys(tmp_path: Path) -> None:
    first, second = TokenKeys(tmp_path), TokenKeys(tmp_path)
    assert second.decode(first.encode(payload())).user_id == USER


def test_foreign_keys_are_refused(tmp_path: Path) -> None:
    token = TokenKeys(tmp_path / "a").encode(payload())
    with pytest.raises(InvalidToken):
        TokenKeys(tmp_path / "b").decode(token)


def test_rotation(tmp_path: Path) -> None:
    keys = TokenKeys(tmp_path)
    other = TokenKeys(tmp_path)
    first = keys.encode(payload())
    keys.rotate()
    second = keys.encode(payload())
    assert keys.decode(first).user_id == USER
    # Another process notices by itself.
    assert other.decode(second).user_id == USER
    keys.rotate()
    assert keys.decode(first).user_id == USER
    keys.rotate()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["1", "2", "3"]
    with pytest.raises(InvalidToken):
        keys.decode(first)
    assert keys.decode(second).user_id == USER


def test_other_processes_follow_a_rotation(tmp_path: Path) -> None:
    first, second = TokenKeys(tmp_path), TokenKeys(tmp_path)
    for _ in range(5):
        first.rotate()
        # The old primary is gone after a few rotations: nobody may go on sealing with it.
        assert first.decode(second.encode(payload())).user_id == USER
        assert second.decode(first.encode(payload())).user_id == USER


def test_nonsense_does_not_make_us_read_keys_over_and_over(tmp_path: Path) -> None:
    keys = TokenKeys(tmp_path)
    long_ago = (tmp_path.stat().st_atime - 3600, tmp_path.stat().st_mtime - 3600)
    os.utime(tmp_path, long_ago)
    keys.reload()
    (tmp_path / "0").write_bytes(Fernet.generate_key())
    os.utime(tmp_path, long_ago)
    before = keys.encode(payload())
    with pytest.raises(InvalidToken):
        keys.decode("gAAAA" + before[5:60])
    # Not read again: the key in memory is still the one that sealed.
    assert keys.decode(before).user_id == USER


def test_strange_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("keep")
    (tmp_path / "01").write_text("keep")
    keys = TokenKeys(tmp_path)
    keys.rotate()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["0", "01", "1", "README"]


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("short")
    with pytest.raises(ValueError, match="Fernet"):
        TokenKeys(tmp_path)
