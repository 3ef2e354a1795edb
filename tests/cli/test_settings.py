"""Settings that make no sense are refused when they are read, with the reason."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cumulo import settings
from cumulo.cli import down, status


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


def test_who_looks_or_stops_is_not_locked_out(tmp_path: Path) -> None:
    (tmp_path / "cumulo.toml").write_text("listen = ")
    runner, here = CliRunner(), ["--data-dir", str(tmp_path)]
    looked = runner.invoke(status.command, here)
    assert looked.exit_code == 1
    assert "cumulo.toml" in looked.output and "stopped" in looked.output
    stopped = runner.invoke(down.command, here)
    assert stopped.exit_code == 0, stopped.output
    assert "left aside" in stopped.output
    purged = runner.invoke(down.command, [*here, "--purge", "--yes"])
    assert purged.exit_code == 1 and "left aside" not in purged.output


def test_networks_of_fronts(tmp_path: Path) -> None:
    (tmp_path / "cumulo.toml").write_text('trusted_front = ["192.0.2.0/24", "2001:db8::1"]')
    assert settings.load(tmp_path).trusted_front == ["192.0.2.0/24", "2001:db8::1"]
