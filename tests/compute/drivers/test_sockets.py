"""Sockets in a guest's own folder."""

import socket
from pathlib import Path

import pytest

from cumulo.compute.drivers.qemu.monitor import connect_socket


def test_a_link_to_somebody_elses_socket_is_not_followed(tmp_path: Path) -> None:
    """The folder is the guest's own: what is in it may lead anywhere."""
    theirs, folder = tmp_path / "theirs", tmp_path / "q"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as other, socket.socket(socket.AF_UNIX) as own:
        other.bind(str(theirs))
        other.listen()
        own.bind(str(folder / "serial"))
        own.listen()
        (folder / "vnc").symlink_to(theirs)
        (folder / "qga").write_text("")
        connect_socket(folder, "serial").close()
        for name in ("vnc", "qga", "qmp"):
            with pytest.raises(OSError):
                connect_socket(folder, name)
