"""Root disks that come from elsewhere."""

import os
from pathlib import Path

import pytest

from cumulo.compute.drivers.driver import RootDisk
from cumulo.compute.drivers.qemu.disks import DiskFault, ensure_root, root_file, take_root


def test_what_comes_last_is_taken(tmp_path: Path) -> None:
    folder, source = tmp_path / "guest" / "q", tmp_path / "copy"
    folder.mkdir(parents=True)
    for content in ("of an earlier journey", "of this one"):
        source.write_text(content)
        take_root(folder, 2, source, os.getuid(), os.getgid())
    assert (folder / root_file(2)).read_text() == "of this one" and not source.exists()
    take_root(folder, 2, source, os.getuid(), os.getgid())  # A second time: it is there.
    assert (folder / root_file(2)).read_text() == "of this one"
    with pytest.raises(DiskFault):
        take_root(folder, 3, source, os.getuid(), os.getgid())


def test_what_should_be_there_is_not_made_anew(tmp_path: Path) -> None:
    folder, base = tmp_path / "guest" / "q", tmp_path / "base"
    folder.mkdir(parents=True)
    base.write_bytes(bytes(65536))
    root = RootDisk(str(base), "raw", version=2, carried=True)
    with pytest.raises(DiskFault, match="is not on this host"):
        ensure_root(folder, root, os.getuid(), os.getgid())
    assert list(folder.iterdir()) == []
