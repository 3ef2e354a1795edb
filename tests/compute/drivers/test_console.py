import os
from pathlib import Path

from cumulo.compute.drivers.qemu.console import tail, trim


def test_a_trimmed_log_keeps_its_tail_and_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    writer = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(40_000):
        os.write(writer, b"line %06d\n" % number)
    trim(path, 64 * 1024)
    os.write(writer, b"after\n")
    os.close(writer)
    assert path.stat().st_blocks * 512 <= 64 * 1024 + 8192
    text = tail(path, None, 64 * 1024)
    assert text.endswith("line 039999\nafter\n")
    assert "\0" not in text
    assert len(text) > 60_000


def test_tail(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    assert tail(path, 5) == ""
    path.write_bytes(b"one\r\ntwo\r\nthr\xff")
    assert tail(path, 2) == "two\nthr\ufffd"
    assert tail(path, 0) == ""
    assert tail(path, None) == "one\ntwo\nthr\ufffd"
    trim(tmp_path / "absent")
