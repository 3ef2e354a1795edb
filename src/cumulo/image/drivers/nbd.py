"""The bytes inside a disk file or device, through a `qemu-nbd` of our own on a private socket.

QEMU knows the formats, locks the file against a second writer, and makes holes of zeros. Its
process ends with our connection, so a control plane that is killed leaves nobody at the file.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import stat
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cumulo.core.run.sandbox import SandboxFailed, lent, server_in_cell
from cumulo.core.work import pools
from cumulo.image.formats import inspect

MOST = 4 * 1024 * 1024
"""Bytes of one request; servers take at least 32 MiB."""
START_SECONDS = 20.0
INSIDE = "/disk"
"""The name of the disk where qemu-nbd runs."""
_READ, _WRITE, _CLOSE, _FLUSH = range(4)
_REQUEST = struct.Struct(">IHHQQI")
_REPLY = struct.Struct(">IIQ")
_ASK, _ANSWER = 0x25609513, 0x67446698


def allowed(path: str, folders: Sequence[str]) -> Path:
    """The file or device that is meant, links followed. Raises OSError unless it is below one of
    the folders."""
    real = Path(path).resolve()
    if not any(real.is_relative_to(Path(folder).resolve()) for folder in folders):
        raise OSError(f"{path!r:.300} is not below a folder that the store may open volumes in")
    mode = real.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISBLK(mode):
        raise OSError(f"{path!r:.300} is no file and no block device")
    return real


class Disk:
    """An open disk. One request at a time: whoever shares it waits."""

    def __init__(
        self,
        server: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        size: int,
    ) -> None:
        self.size = size
        self._server = server
        self._reader = reader
        self._writer = writer
        self._lock = asyncio.Lock()
        self.closing = contextlib.ExitStack()
        """What ends with it."""

    async def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, MOST, self.size - offset))
        return await self._ask(_READ, offset, length) if length else b""

    async def write(self, offset: int, block: bytes) -> None:
        for start in range(0, len(block), MOST):
            piece = block[start : start + MOST]
            await self._ask(_WRITE, offset + start, len(piece), piece)

    async def flush(self) -> None:
        """Everything written is on the disk."""
        await self._ask(_FLUSH, 0, 0)

    async def _ask(self, what: int, offset: int, length: int, body: bytes = b"") -> bytes:
        try:
            async with self._lock:
                self._writer.write(_REQUEST.pack(_ASK, 0, what, 0, offset, length) + body)
                await self._writer.drain()
                magic, error, _ = _REPLY.unpack(await self._reader.readexactly(_REPLY.size))
                if magic != _ANSWER:
                    raise OSError("qemu-nbd does not speak NBD")
                if error:
                    raise OSError(error, os.strerror(error))
                return await self._reader.readexactly(length) if what == _READ else b""
        except (asyncio.IncompleteReadError, ConnectionError) as failed:
            raise OSError(f"qemu-nbd has gone: {failed}") from None
        except asyncio.CancelledError:
            # Half of a request would be taken for the next one.
            self._writer.transport.abort()
            raise

    async def close(self) -> None:
        """Also after a failure. The file is free when this returns."""
        with contextlib.suppress(OSError):
            self._writer.write(_REQUEST.pack(_ASK, 0, _CLOSE, 0, 0, 0))
            self._writer.close()
            await self._writer.wait_closed()
        await _end(self._server)
        self.closing.close()


async def open_disk(path: Path, format: str, *, read_only: bool) -> Disk:
    """Raises OSError: not to be opened, in use, no qemu-nbd."""
    if format not in ("raw", "qcow2"):
        raise OSError(f"volumes of the format {format!r:.20} cannot be opened")
    if format == "qcow2":
        await pools.DISK(_check_alone, path)
    device = await pools.DISK(path.is_block_device)
    file = "host_device" if device else "file"
    node: dict[str, object] = {"driver": format, "file": {"driver": file, "filename": INSIDE}}
    if format == "qcow2":
        node["backing"] = None
    folder = Path(await pools.DISK(tempfile.mkdtemp, prefix="cumulo-image-"))
    try:
        argv = ["qemu-nbd", "--discard=unmap", "--detect-zeroes=unmap"]
        argv += ["--read-only"] if read_only else []
        with contextlib.ExitStack() as opened:
            user = opened.enter_context(lent(path))
            listener = opened.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(f"{folder}/nbd")
            listener.listen(1)
            server = await _start([*argv, f"json:{json.dumps(node)}"], listener, path, user, folder)
            listener.close()  # So that nobody waits for one that has ended.
            try:
                disk = await asyncio.wait_for(_connect(server, folder), START_SECONDS)
                disk.closing = opened.pop_all()
                return disk
            except BaseException as failed:
                with contextlib.suppress(ProcessLookupError):
                    server.kill()
                await _end(server)
                if isinstance(failed, TimeoutError | asyncio.IncompleteReadError | ConnectionError):
                    # It may have taken our connection before it found that it cannot open the file.
                    why = _words(folder / "errors")
                    what = "the volume cannot be opened" if why else "qemu-nbd does not answer"
                    raise OSError(f"{what}: {why or failed}") from None
                raise
    finally:
        await pools.DISK(shutil.rmtree, folder, ignore_errors=True)


def _check_alone(path: Path) -> None:
    """A qcow2 file may name other files of this machine, which QEMU would open for it."""
    with path.open("rb") as file:
        found = inspect(file.read(1 << 20))
    if found.format != "qcow2" or found.problem is not None:
        raise OSError(f"{path}: {found.problem or 'not a qcow2 file'}")


async def _start(
    argv: Sequence[str], listener: socket.socket, path: Path, user: int, folder: Path
) -> asyncio.subprocess.Process:
    """In a cell: what is in the disk is a stranger's, and QEMU reads its tables."""
    seen = {INSIDE: path}
    reads, writes = (seen, {}) if "--read-only" in argv else ({}, seen)
    try:
        return await server_in_cell(
            argv, listener, folder / "errors", reads=reads, writes=writes, user=user
        )
    except SandboxFailed as failed:
        raise OSError(str(failed)) from None


def _words(errors: Path) -> str:
    return errors.read_text(errors="replace").strip()[:2000]


async def _connect(server: asyncio.subprocess.Process, folder: Path) -> Disk:
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(f"{folder}/nbd")
            break
        except OSError:
            if server.returncode is not None:
                text = _words(folder / "errors")
                raise OSError(f"the volume cannot be opened: {text}") from None
            await asyncio.sleep(0.02)
    if await reader.readexactly(16) != b"NBDMAGICIHAVEOPT":
        raise OSError("qemu-nbd does not speak NBD")
    (offers,) = struct.unpack(">H", await reader.readexactly(2))
    # Fixed new style, no zeroes after the answer; the export without a name.
    writer.write(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 0))
    await writer.drain()
    size, _ = struct.unpack(">QH", await reader.readexactly(10))
    if offers & 3 != 3:
        raise OSError("qemu-nbd is too old")
    return Disk(server, reader, writer, size)


async def _end(server: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(server.wait(), 10)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
        await server.wait()
