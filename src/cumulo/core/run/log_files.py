"""The log file: every request writes a line, so a line is cheap.

The library's own RotatingFileHandler asks the file system twice and formats twice for each line.
"""

import contextlib
import itertools
import logging
import os
import time
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class Lines(logging.Formatter):
    """`2026-01-31 09:00:00.000 INFO cumulo.http …`, in the machine's own time."""

    def __init__(self) -> None:
        super().__init__(FORMAT)
        self._second = -1
        self._text = ""

    def usesTime(self) -> bool:
        return True

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = int(record.created)
        if second != self._second:
            self._text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
            self._second = second
        return f"{self._text}.{int(record.msecs):03d}"


class LogFile(logging.Handler):
    """Appends to a file, which is renamed (`.1`, `.2` … the oldest last) when it is full. It is
    opened with its first line."""

    def __init__(self, path: Path, *, most_bytes: int, kept: int) -> None:
        super().__init__()
        self._path = path
        self._most = most_bytes
        self._kept = kept
        self._file: int | None = None
        self._size = 0
        self.setFormatter(Lines())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            if self._file is None:
                self._open()
            if self._size and self._size + len(line) > self._most:
                with contextlib.suppress(OSError):  # it goes on in the file that is full
                    self._begin_anew()
            assert self._file is not None
            while line:  # a disk that is just full takes a part
                written = os.write(self._file, line)
                self._size += written
                line = line[written:]
        except Exception:  # the library's way: to stderr, and on
            self.handleError(record)

    def close(self) -> None:
        self.acquire()
        try:
            if self._file is not None:
                os.close(self._file)
                self._file = None
        finally:
            self.release()
        super().close()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o644)
        self._size = os.fstat(self._file).st_size

    def _begin_anew(self) -> None:
        names = [self._path, *(self._numbered(n) for n in range(1, self._kept + 1))]
        for newer, older in reversed(list(itertools.pairwise(names))):
            if newer.exists():
                newer.replace(older)
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def write_to(path: Path, *, level: str, most_bytes: int, kept: int, terminal: bool) -> None:
    """From now on this process's log goes there, and no longer where it went."""
    handlers: list[logging.Handler] = [LogFile(path, most_bytes=most_bytes, kept=kept)]
    if terminal:
        shown = logging.StreamHandler()
        shown.setFormatter(Lines())
        handlers.append(shown)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    # What no line of ours shows need not be found out for each (the library's HOWTO,
    # "Optimization", names these).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
