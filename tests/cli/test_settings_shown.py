"""`cumulo settings`: nothing is left out, and every reason is where it is looked for."""

from pathlib import Path

from click.testing import CliRunner

from cumulo import settings
from cumulo.cli.settings import command, everything


def test_each_setting_once_with_what_was_set(tmp_path: Path) -> None:
    (tmp_path / "cumulo.toml").write_text("region = 'North'\n[identity]\ntoken_lifetime = 60.0\n")
    known = {
        name: (default, value) for name, default, value, _ in everything(settings.load(tmp_path))
    }
    assert known["region"] == ("RegionOne", "North")
    assert known["identity.token_lifetime"] == (3600.0, 60.0)
    assert known["image.web_download.allowed_ports"] == ((80, 443), (80, 443))
    told = CliRunner().invoke(command, ["identity", "--data-dir", str(tmp_path)]).output
    assert "identity.token_lifetime = 60.0   (set)\n    default: 3600.0\n" in told
    assert "bcrypt's cost" in told
    assert "region" not in told.splitlines()[0]


def test_a_name_that_is_none(tmp_path: Path) -> None:
    asked = CliRunner().invoke(command, ["idenity", "--data-dir", str(tmp_path)])
    assert asked.exit_code == 1
    assert "there is no setting 'idenity'" in asked.output
