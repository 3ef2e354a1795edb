"""xmlsec1 in a cell: it reads documents of strangers, who have not proved anything yet.

pysaml2 starts it with temporary files of its own; here it sees copies of those files, and no more.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saml2.sigver import CryptoBackendXmlSec1, XmlsecError

from cumulo.core.run.sandbox import USER, Bounds, SandboxFailed, told_in_sandbox

DOCUMENT, KEY, MADE = "/document", "/key", "/made"
BOUNDS = Bounds(memory=1 << 30, disk=64 * 1024 * 1024, seconds=10.0)


class XmlsecInCell(CryptoBackendXmlSec1):  # type: ignore[misc]
    """Overrides how the command is run, which is not public; tests/identity/test_xmlsec.py holds
    pysaml2 to it."""

    def _run_xmlsec(self, com_list: list[str], extra_args: Sequence[str]) -> tuple[str, str, bytes]:
        (document,) = extra_args
        with tempfile.TemporaryDirectory(prefix="cumulo-xmlsec-") as made:
            folder = Path(made)
            argv, reads = _inside(["xmlsec1", *com_list[1:]], folder)
            reads[DOCUMENT] = _copy(Path(document), folder / "document")
            target = _copy(Path(os.devnull), folder / "made")
            argv += ["--output", MADE]
            if self.version_nums >= (1, 3):
                argv.append("--lax-key-search")
            try:
                output, said = told_in_sandbox(
                    [*argv, DOCUMENT], reads=reads, writes={MADE: target}, bounds=BOUNDS
                )
            except SandboxFailed as failed:
                raise XmlsecError(str(failed)) from None
            return output.decode(), said, target.read_bytes()


def _inside(argv: list[str], folder: Path) -> tuple[list[str], dict[str, Path]]:
    """The command with the key's file by its name in the cell."""
    reads: dict[str, Path] = {}
    for number, word in enumerate(argv[:-1]):
        if word.startswith(("--pubkey-cert-", "--privkey-")):
            reads[KEY] = _copy(Path(argv[number + 1]), folder / "key")
            argv[number + 1] = KEY
    return argv, reads


def _copy(source: Path, target: Path) -> Path:
    target.touch(mode=0o600)
    if source != Path(os.devnull):
        target.write_bytes(source.read_bytes())
    if os.geteuid() == 0:
        os.chown(target, USER, USER)
    return target


def put_in_cell(party: Any) -> None:
    """A client or a server of pysaml2 uses it from now on."""
    known = party.sec.crypto
    party.sec.crypto = XmlsecInCell(known.xmlsec, delete_tmpfiles=known.delete_tmpfiles)
