"""The command line: the table of commands, packages, setup and doctor."""

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cumulo.cli import doctor, packages, setup
from cumulo.cli.main import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    module = importlib.import_module(f"cumulo.cli.{name.replace('-', '_')}")
    assert isinstance(module.command, click.Command)
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_help_lists_commands_without_importing_them() -> None:
    code = (
        "import sys\nfrom cumulo.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in sys.modules if m.startswith('cumulo.cli.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in done.stdout for name in COMMANDS)
    assert done.stdout.splitlines()[-1] == "['cumulo.cli.main']"


def test_unknown_command() -> None:
    result = CliRunner().invoke(main, ["no-such"])
    assert result.exit_code == 2
    assert "No such command" in result.output


def test_package_list() -> None:
    text = "# head\n[run]\na  # why\n\nb\n[test]\nc\n"
    assert packages.parse(text) == {"run": ("a", "b"), "test": ("c",)}
    for wrong in ("a\n[run]\n", "[run]\na b\n"):
        with pytest.raises(ValueError, match="not a package name"):
            packages.parse(wrong)
    listed = packages.parse(packages.LIST.read_text())
    assert set(listed) == {"run", "test"}
    assert all(packages.wanted("run", "test"))


def test_missing_packages() -> None:
    assert packages.missing(["dpkg", "no-such-package-at-all"]) == ["no-such-package-at-all"]


def test_who_is_not_root_is_told_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    with pytest.raises(packages.SetupFailed, match=r"apt-get install -y .* a b"):
        packages.install(["a", "b"], print)


def fake_apt(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    tool = folder / "apt-get"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(packages.os, "geteuid", lambda: 0)


def test_installation_tells_its_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f'echo "$@" >>{tmp_path}/calls; echo noise; echo "Setting up a (1) ..."'
    fake_apt(tmp_path, monkeypatch, script)
    lines: list[str] = []
    packages.install(["a"], lines.append)
    assert lines == ["installing 1 Debian packages: a", "Setting up a (1) ..."]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.partition("=300 ")[2] for call in calls] == [
        "update",
        "install -y --no-install-recommends a",
    ]


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_apt(tmp_path, monkeypatch, 'echo "E: Failed to fetch" >&2; exit 100')
    with pytest.raises(packages.SetupFailed, match=r"(?s)Failed to fetch.*apt-get install -y"):
        packages.install(["a"], lambda line: None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


class FakeBuilder:
    """Stands for the guest image's builder."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.current = True
        self.calls: list[tuple[Path, Path]] = []

    def is_current(self, output: Path) -> bool:
        return self.current

    def build_guest(self, output: Path, cache: Path, progress: Callable[[str], None]) -> None:
        self.calls.append((output, cache))
        progress("kernel")
        output.write_bytes(b"half")
        if self.error:
            raise self.error


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> FakeBuilder:
    made = FakeBuilder()
    monkeypatch.setitem(sys.modules, setup.BUILDER, made)  # type: ignore[arg-type]
    monkeypatch.setattr(setup, "builder_present", lambda: True)
    monkeypatch.setattr(setup, "missing", lambda names: [])
    return made


def test_setup_builds_the_guest_image_once(home: Path, builder: FakeBuilder) -> None:
    for _ in range(2):
        assert CliRunner().invoke(main, ["setup"]).exit_code == 0
    image = home / "cumulo" / "guest" / "guest.qcow2"
    assert builder.calls == [(image, home / "cumulo" / "packages")]
    assert CliRunner().invoke(main, ["setup", "--rebuild"]).exit_code == 0
    assert len(builder.calls) == 2


def test_setup_makes_another_releases_image_anew_and_up_says_so(
    home: Path, builder: FakeBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    image = home / "cumulo" / "guest" / "guest.qcow2"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"old")
    builder.current = False
    setup.ensure_guest_image(image)
    assert builder.calls == [] and "built by another release" in capsys.readouterr().err
    assert CliRunner().invoke(main, ["setup"]).exit_code == 0
    assert len(builder.calls) == 1
    # It cannot be: the old one is better than none.
    builder.error = RuntimeError("offline")
    result = CliRunner().invoke(main, ["setup"])
    assert result.exit_code == 0 and "the old one stays: offline" in result.output
    assert image.exists()


def test_a_half_built_image_is_removed(home: Path, builder: FakeBuilder) -> None:
    builder.error = RuntimeError("no kernel")
    result = CliRunner().invoke(main, ["setup"])
    assert result.exit_code == 1
    assert "no kernel" in result.output
    assert not setup.guest_image().exists()


def test_packages_only(home: Path, builder: FakeBuilder) -> None:
    assert CliRunner().invoke(main, ["setup", "--tests", "--packages-only"]).exit_code == 0
    assert builder.calls == []


def test_doctor_answers_for_every_check() -> None:
    result = CliRunner().invoke(main, ["doctor", "--json"])
    answer = json.loads(result.output)
    assert [row["name"] for row in answer["checks"]] == [check.name for check in doctor.CHECKS]
    assert {row["outcome"] for row in answer["checks"]} <= {"ok", "warn", "fail"}
    assert result.exit_code == (0 if answer["ok"] else 1)


def test_doctor_fails_and_names_what_mends(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(machine: doctor.Machine) -> doctor.Finding:
        raise RuntimeError("boom")

    checks = (
        doctor.Check("one", lambda machine: doctor.Finding("fail", "is not", "mend-it now")),
        doctor.Check("two", broken),
    )
    found = doctor.examine(doctor.Machine(), checks)
    assert [finding.outcome for _, finding in found] == ["fail", "fail"]
    monkeypatch.setattr(doctor, "examine", lambda machine: found)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "mend: mend-it now" in result.output
    assert "boom" in result.output


def test_doctor_says_why_a_host_keeps_no_shares() -> None:
    why = "not installed: btrfs (apt-get install btrfs-progs nfs-ganesha)"
    lacking = doctor.Machine(unknown=(), faults=(("one", "shared_file_system", why),))
    found = doctor.check_hosts(lacking)
    assert found.outcome == "warn"
    assert found.message == f"shared_file_system on one: {why}"
    assert found.mend == "apt-get install btrfs-progs nfs-ganesha"
    assert doctor.check_hosts(doctor.Machine(unknown=())).outcome == "ok"
    assert doctor.check_hosts(doctor.Machine()).outcome == "ok"


def test_doctor_tells_our_port_from_others() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        assert doctor.check_port(doctor.Machine(api_port=port)).outcome == "fail"
        assert doctor.check_port(doctor.Machine(api_port=port, ours=True)).outcome == "ok"
    assert doctor.check_port(doctor.Machine(api_port=port)).message == f"port {port} is free"


def test_doctor_looks_for_the_networks_interfaces() -> None:
    placed = doctor.Machine(networks=(("guest", "lo"), ("external", "no-such-link")))
    finding = doctor.check_networks(placed)
    assert finding.outcome == "fail"
    assert "external: no-such-link" in finding.message
    assert doctor.check_networks(doctor.Machine()).outcome == "ok"
