"""Settings that make no sense are refused when they are read, with the reason."""

from pathlib import Path

import pytest

from cumulo import settings


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('listen = "here"', "is not ADDRESS:PORT"),
        ('trusted_front = ["web.example"]', "'web.example' is no address and no network"),
        ("colour = 1", "unknown field `colour`"),
        ("listen = ", "cumulo.toml"),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "cumulo.toml").write_text(text)
    with pytest.raises(settings.BadSettings, match=reason):
        settings.load(tmp_path)


def test_networks_of_fronts(tmp_path: Path) -> None:
    (tmp_path / "cumulo.toml").write_text('trusted_front = ["192.0.2.0/24", "2001:db8::1"]')
    assert settings.load(tmp_path).trusted_front == ["192.0.2.0/24", "2001:db8::1"]
