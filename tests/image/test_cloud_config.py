"""The guest image's #cloud-config: its reader of YAML against PyYAML, and what it carries out, in a
folder that stands for the guest's root. (The walk with a real guest has one, too.)"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import cumulo.image.guest.builder

GUEST = Path(cumulo.image.guest.builder.__file__).parent
LETTERS = "abc XYZ09:#-'\"\\,[]{}&*!|>%@~?.\n\t/$=`é"


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from flat(inner, f"{path}.{number}")
    else:
        yield path, "" if value is None or value == [] else str(value)


def read(text: str) -> dict[str, str] | None:
    """What the guest makes of it; None where it is refused."""
    done = subprocess.run(
        ["sh", str(GUEST / "yaml-flat")], input=text.encode(), capture_output=True, check=False
    )
    if done.returncode:
        assert done.stderr.startswith(b"line ")
        return None
    found = {}
    for line in done.stdout.decode().split("\n")[:-1]:
        name, _, value = line.partition("=")
        pieces = value.split("\\\\")
        found[name] = "\\".join(piece.replace("\\n", "\n") for piece in pieces)
    return found


def test_it_reads_what_is_written_in_all_styles() -> None:
    roll = random.Random(4)

    def text() -> str:
        return "".join(roll.choice(LETTERS) for _ in range(roll.randrange(25)))

    def name() -> str:
        return "".join(roll.choice("abcdef_") for _ in range(roll.randrange(1, 8)))

    def thing(depth: int) -> Any:
        kind = roll.random()
        if depth > 3 or kind < 0.5:
            return text()
        if kind < 0.75:
            return [thing(depth + 1) for _ in range(roll.randrange(1, 4))]
        return {name(): thing(depth + 1) for _ in range(roll.randrange(1, 4))}

    for _ in range(60):
        document = {name(): thing(0) for _ in range(3)}
        written = yaml.safe_dump(
            document,
            allow_unicode=True,
            default_flow_style=roll.choice([None, False, True]),
            default_style=roll.choice([None, None, None, '"', "'", "|", ">"]),
            indent=roll.choice([2, 4]),
            width=roll.choice([40, 80, 10_000]),
        )
        assert read(written) == dict(flat(document)), written


BY_HAND = r"""#cloud-config
users:
  - default   # the image's own
  - name: ann
    sudo: ALL=(ALL) NOPASSWD:ALL
    ssh_authorized_keys:
    - ssh-ed25519 AAAA ann@x   # a comment
    - 'ssh-rsa BB # none'
write_files:
- path: "/etc/b\tc\u00e4"
  content: |
    one
      two \n "three"

    four: five # six
- content: >-
    folded
    text

    next
- {path: /etc/c, content: "x, y"}
runcmd:
 - echo hi: there
 - [ sh, -c, "echo a, b" ]   # flow
 - [ls,
    -l, /]
 - - sh
   - 'echo it''s'
 - |
   several
   lines
empty: []
none: ~
plain: several
  lines of it
"""


def test_it_reads_what_people_write() -> None:
    found = read(BY_HAND)
    assert found == dict(flat(yaml.safe_load(BY_HAND)))
    windows = read(BY_HAND.replace("\n", "\r\n"))
    assert windows == found


@pytest.mark.parametrize(
    "text",
    ["a: &x 1\n", "a: *x\n", "a: !!binary aGk=\n", "a:\n\tb: 1\n", "a: [1, 2\n", 'a: "x\n',
     "a: 1\n  b: 2\n   c\nd\n", "a: 'x' y\n", "just words\nmore: x\n"],
)  # fmt: skip
def test_what_it_does_not_understand_it_refuses(text: str) -> None:
    assert read(text) is None


class Root:
    """A folder as the root of a guest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for each in ("etc", "var/lib/cloud", "bin", "home/cumulo"):
            (folder / each).mkdir(parents=True)
        shutil.copy("/bin/sh", folder / "bin/sh")
        (folder / "etc/passwd").write_text("cumulo:x:0:0::/home/cumulo:/bin/sh\n")
        (folder / "etc/shadow").write_text("cumulo:*:19000::::::\n")
        (folder / "etc/group").write_text("root:x:0:\n")
        (folder / "etc/shells").write_text("/bin/sh\n")

    def carry_out(self, text: str) -> tuple[int, str]:
        config = self.folder / "config"
        config.write_text(text)
        environment = {"PATH": f"{GUEST}:{os.environ['PATH']}", "ROOT": str(self.folder)}
        done = subprocess.run(
            ["sh", str(GUEST / "cloud-config"), str(config)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout

    def lines(self, path: str) -> list[str]:
        return (self.folder / path).read_text().splitlines()


def test_users_keys_files_and_commands(tmp_path: Path) -> None:
    root = Root(tmp_path)
    status, told = root.carry_out(
        r"""#cloud-config
hostname: web.example.org
ssh_authorized_keys: [ssh-ed25519 OWN me]
users:
  - default
  - {name: ann, groups: "wheel, ops", ssh_authorized_keys: [ssh-ed25519 ANN ann], passwd: $6$x$y}
  - {name: root2, sudo: "ALL=(ALL) NOPASSWD:ALL", shell: /bin/none}
  - {name: "../x"}
chpasswd:
  users: [{name: cumulo, password: $6$a$b, type: hash}]
write_files:
  - path: /opt/app/conf
    permissions: '0600'
    content: "a = \"1\\n\"\n"
  - {path: /opt/app/conf, append: true, content: "b\n"}
  - {path: /opt/b64, encoding: b64, content: "AAH/\n"}
  - {path: relative, content: x}
runcmd:
  - echo "it's" > /tmp/x
  - [echo, it's, two words]
packages: [nginx]
power_state: {mode: reboot}
"""
    )
    assert status == 0
    assert [line.partition(": ")[2] for line in told.splitlines()] == [
        "packages: left out: this small guest has no package manager; take another image",
        "power_state: left out: not known to this small guest",
        "users: root2: there is no /bin/none, it is /bin/sh",
        "users: no name for a user: '../x'",
        "write_files: not a path from the root: 'relative'",
    ]
    assert root.lines("etc/passwd")[1:] == [
        "ann:x:1000:1000::/home/ann:/bin/sh",
        "root2:x:0:0::/home/root2:/bin/sh",
    ]
    secrets = [line.split(":")[:2] for line in root.lines("etc/shadow")]
    assert secrets == [["cumulo", "$6$a$b"], ["ann", "$6$x$y"], ["root2", "!"]]
    assert {"wheel", "ops"} <= {line.split(":")[0] for line in root.lines("etc/group")}
    assert all(line.endswith(":ann") for line in root.lines("etc/group")[-2:])
    assert root.lines("home/ann/.ssh/authorized_keys") == ["ssh-ed25519 ANN ann"]
    assert root.lines("home/cumulo/.ssh/authorized_keys") == ["ssh-ed25519 OWN me"]
    assert (tmp_path / "home/ann/.ssh").stat().st_uid == 1000
    assert (tmp_path / "opt/app/conf").read_text() == 'a = "1\\n"\nb\n'
    assert (tmp_path / "opt/app/conf").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "opt/b64").read_bytes() == b"\x00\x01\xff"
    assert root.lines("etc/hostname") == ["web"]
    assert root.lines("var/lib/cloud/runcmd") == [
        "#!/bin/sh",
        """echo "it's" > /tmp/x""",
        r"'echo' 'it'\''s' 'two words'",
    ]


def test_what_is_not_understood_is_told_and_nothing_is_done(tmp_path: Path) -> None:
    root = Root(tmp_path)
    status, told = root.carry_out("#cloud-config\nwrite_files:\n- &x\n  path: /etc/x\n")
    assert status == 1 and "not understood: line 3: anchors" in told
    assert not (tmp_path / "etc/x").exists()
