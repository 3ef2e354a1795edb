"""The log: lines in order, files in turn, nothing lost, and no line that stops its writer."""

import logging
import re
from pathlib import Path

import pytest

from cumulo.core.run.log_files import LogFile


def made(path: Path, most: int, kept: int = 2) -> tuple[LogFile, logging.Logger]:
    handler = LogFile(path, most_bytes=most, kept=kept)
    log = logging.Logger("lamp")
    log.addHandler(handler)
    return handler, log


def test_files_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    handler, log = made(path, 400)
    assert not path.exists()
    for number in range(20):
        log.info("line %02d", number)
    handler.close()
    files = [tmp_path / "x.log.2", tmp_path / "x.log.1", path]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(f.name for f in files)
    lines = [line for each in files for line in each.read_text().splitlines()]
    numbers = [int(line[-2:]) for line in lines]
    assert numbers == list(range(numbers[0], 20)) and len(numbers) > 12
    assert all(each.stat().st_size <= 400 for each in files)
    form = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO lamp line \d\d")
    assert all(form.fullmatch(line) for line in lines)


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    for text in ("one", "two"):
        handler, log = made(path, 10_000)
        log.info(text)
        handler.close()
    handler, log = made(path, 50)  # it is full already
    log.info("three \udc80 %s", "x" * 100)  # and this line is longer than a file
    handler.close()
    assert [line.split()[-1] for line in (tmp_path / "x.log.1").read_text().splitlines()] == [
        "one",
        "two",
    ]
    assert r"three \udc80 xxx" in path.read_text()


def test_a_traceback_and_a_full_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler, log = made(tmp_path / "x.log", 10_000)
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("it failed")
    handler.close()
    assert "ValueError: why" in (tmp_path / "x.log").read_text()
    handler, log = made(tmp_path / "nowhere" / "x.log", 10_000)
    log.info("is not written, and nobody is stopped")
    assert "FileNotFoundError" in capsys.readouterr().err
