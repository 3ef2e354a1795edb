"""What a newcomer meets: a refusal is one clear line, and changes nothing."""

import json
import os
import pwd
import re
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cumulo import settings
from cumulo.cli import clouds_yaml, down, instance, serve, up
from cumulo.cli.main import main
from cumulo.core.db.sqlite import SqliteDatabase


def cumulo(*arguments: str, data_dir: Path) -> Result:
    return CliRunner().invoke(main, [*arguments, "--data-dir", str(data_dir)])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("made_fake", [True, False])
def test_simulated_or_real_is_decided_once(tmp_path: Path, made_fake: bool) -> None:
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"fake": made_fake}))
    wrong = settings.load(tmp_path, fake=not made_fake)
    with pytest.raises(click.ClickException, match="which stays so"):
        up.check(wrong, None)
    assert json.loads(options.read_text()) == {"fake": made_fake}


def test_a_cloud_from_before_that_was_kept(tmp_path: Path) -> None:
    assert settings.fake_before(tmp_path) is None
    (tmp_path / "fake").mkdir()
    assert settings.fake_before(tmp_path) is True
    (tmp_path / "agent").mkdir()
    assert settings.fake_before(tmp_path) is False


def test_a_taken_port_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        answer = cumulo("up", "--fake", "--listen", listen, data_dir=tmp_path / "new")
    assert answer.exit_code == 1
    assert answer.output.startswith(f"Error: cannot listen on {listen}: Address already in use")
    assert not (tmp_path / "new").exists()


def test_a_broken_policy_file_is_told_before_anything_stops_or_starts(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "options.json").write_text('{"fake": true}')
    for text in ("compute: [", "x: 'role:a and'", "- a list"):
        (tmp_path / "policy" / "compute.yaml").write_text(text)
        for command in (("up", "--fake"), ("restart",)):
            answer = cumulo(*command, "--listen", f"127.0.0.1:{free_port()}", data_dir=tmp_path)
            assert answer.exit_code == 1 and "policy/compute.yaml" in answer.output, answer.output
    assert {each.name for each in tmp_path.iterdir()} == {"policy", "options.json"}


class Starting:
    """Stands for a control plane that is not ready yet."""

    def __init__(self) -> None:
        self.stopped = False

    def alive(self) -> bool:
        return not self.stopped

    def stop(self, grace: float) -> None:
        self.stopped = True


def test_ctrl_c_ends_what_is_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Starting()

    def pressed(_: settings.Settings) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(up, "start_daemon", lambda argv, log: daemon)
    monkeypatch.setattr(up.instance, "running", pressed)
    with pytest.raises(click.ClickException, match="broken off"):
        up._start(settings.load(tmp_path))
    assert daemon.stopped


def test_a_place_that_cannot_be_made_is_one_line() -> None:
    listen = f"127.0.0.1:{free_port()}"
    answer = cumulo("up", "--fake", "--listen", listen, data_dir=Path("/proc/cumulo"))
    assert (answer.exit_code, answer.output.count("\n")) == (1, 1)
    assert answer.output.startswith("Error: /proc/cumulo: ")


@pytest.mark.parametrize("kind", [(), ("--fake",)])
def test_a_place_that_is_full_or_closed_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: tuple[str, ...]
) -> None:
    def no_set_up(_: settings.Settings) -> None:
        raise AssertionError("nothing is to be installed yet")

    monkeypatch.setattr(up, "_set_up", no_set_up)
    answer = cumulo("up", *kind, "--listen", f"127.0.0.1:{free_port()}", data_dir=Path("/proc/x"))
    assert answer.exit_code == 1
    assert answer.output.startswith("Error: /proc/x: nothing can be made in /proc: ")
    monkeypatch.setattr(up, "LEAST_FREE", 1 << 62)
    listen = f"127.0.0.1:{free_port()}"
    answer = cumulo("up", *kind, "--listen", listen, data_dir=tmp_path / "full")
    assert answer.exit_code == 1 and "is full: " in answer.output
    assert list(tmp_path.iterdir()) == []


def test_who_is_not_root_is_offered_simulated_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up.os, "geteuid", lambda: 1000)
    listen = f"127.0.0.1:{free_port()}"
    answer = cumulo("up", "--listen", listen, data_dir=tmp_path / "new")
    assert answer.exit_code == 1 and "./cumulo up --fake" in answer.output
    assert not (tmp_path / "new").exists()


def test_guests_must_get_to_their_disks(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(click.ClickException, match="is closed to them: chmod o"):
        up.check_way(closed / "data")


@pytest.mark.parametrize("command", [("why", "x"), ("can", "demo", "x"), ("usage",)])
def test_hints_can_be_pasted(tmp_path: Path, command: tuple[str, ...]) -> None:
    answer = cumulo(*command, data_dir=tmp_path)
    assert answer.output == (
        f"Error: the cloud does not run; start it: ./cumulo up --data-dir {tmp_path}\n"
    )


def test_refusals_of_the_api_are_words() -> None:
    body = json.dumps({"error": {"code": 404, "message": "No service has a rule x."}}).encode()
    assert instance._words(body, "/x: 404") == "No service has a rule x."
    assert instance._words(b"<html>", "/x: 502") == "/x: 502 <html>"


def test_purge_removes_only_what_is_ours(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    answer = cumulo("down", "--purge", "--yes", data_dir=tmp_path)
    assert answer.exit_code == 1 and "no data directory of Cumulo" in answer.output
    assert [each.name for each in tmp_path.iterdir()] == ["letter"]
    (tmp_path / "options.json").write_text('{"fake": true}')
    answer = cumulo("down", "--purge", data_dir=tmp_path)
    assert answer.exit_code == 1 and "add --yes" in answer.output
    assert (tmp_path / "letter").exists()
    assert cumulo("down", "--purge", "--yes", data_dir=tmp_path).exit_code == 0
    assert not tmp_path.exists()


def test_a_link_and_another_owners_file_stay_what_they_are(tmp_path: Path) -> None:
    kept, link = tmp_path / "dotfiles.yaml", tmp_path / "clouds.yaml"
    kept.write_text("clouds:\n  theirs: {}\n")
    kept.chmod(0o640)
    link.symlink_to(kept)
    if os.geteuid() == 0:
        os.chown(kept, 1000, 1001)
    clouds_yaml.write(link, {"ours": {}})
    assert link.is_symlink() and "ours" in kept.read_text()
    clouds_yaml.remove(link)
    assert link.is_symlink() and kept.read_text() == "clouds:\n  theirs: {}\n"
    found = kept.stat()
    assert found.st_mode & 0o777 == 0o640
    if os.geteuid() == 0:
        assert (found.st_uid, found.st_gid) == (1000, 1001)


def test_behind_sudo_it_is_the_users_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE", raising=False)
    monkeypatch.setattr(clouds_yaml.os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "nobody")
    home = Path(pwd.getpwnam("nobody").pw_dir)
    assert clouds_yaml.default_path() == home / ".config/openstack/clouds.yaml"
    monkeypatch.setenv("SUDO_USER", "no-such-user")
    assert clouds_yaml.default_path().name == "clouds.yaml"


def test_only_the_owner_looks_into_a_data_directory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "cumulo.toml").write_text("")
    before = os.umask(0o022)
    try:
        serve.prepare_data_dir(settings.load(data, fake=True))
        database = SqliteDatabase(data / "cumulo.db")
        database.run_script(["CREATE TABLE x (a)", "INSERT INTO x VALUES (1)"])
        database.keep_copy("copy")
        open_to_others = [
            path.name
            for path in data.iterdir()
            if path.stat().st_mode & 0o077 and not path.name.startswith("dns")
        ]
        database.close()
    finally:
        os.umask(before)
    assert open_to_others == []
    assert data.stat().st_mode & 0o777 == 0o711


def test_a_link_to_a_larger_disk_is_emptied(tmp_path: Path) -> None:
    disk, data = tmp_path / "disk", tmp_path / "data"
    (disk / "secrets").mkdir(parents=True)
    (disk / "cumulo.db").write_text("")
    data.symlink_to(disk)
    assert down.empty(data) is False
    assert list(disk.iterdir()) == []
    assert down.empty(disk) is True and not disk.exists()


def test_a_second_cloud_leaves_the_first_one_its_entries(tmp_path: Path) -> None:
    first, second, file = tmp_path / "first", tmp_path / "second", tmp_path / "clouds.yaml"
    (first / "secrets").mkdir(parents=True)
    clouds_yaml.write(file, {"cumulo": {"region_name": "one"}}, owner=first)
    before = file.read_text()
    with pytest.raises(clouds_yaml.ForeignEntry, match="of the cloud in"):
        clouds_yaml.write(file, {"cumulo": {"region_name": "two"}}, owner=second)
    clouds_yaml.remove(file, owner=second)
    assert file.read_text() == before
    (first / "secrets").rmdir()
    clouds_yaml.write(file, {"cumulo": {"region_name": "two"}}, owner=second)
    assert "two" in file.read_text() and "one" not in file.read_text()
    clouds_yaml.remove(file, owner=second)
    assert not file.exists()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://a:b@h/c", "database.url: postgresql://"),
        ("postgresql://a:b@127.0.0.1:1/c", "PostgreSQL does not let us in: .*Connection refused"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_words(
    tmp_path: Path, url: str, reason: str
) -> None:
    (tmp_path / "cumulo.toml").write_text(f'[database]\nurl = "{url}"\n')
    argv = [sys.executable, "-m", "cumulo.cli.main", "serve", "--fake"]
    argv += ["--data-dir", str(tmp_path), "--listen", f"127.0.0.1:{free_port()}"]
    done = subprocess.run(
        argv,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert re.search(reason, done.stderr, re.S), done.stderr
