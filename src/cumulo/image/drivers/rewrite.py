"""Rewriting staged files: unpacking and conversion of disks.

Strangers' bytes meet code in C here, so each runs in a sandbox that sees its one input and its one
output, bounded in memory, time and disk (`core.run.sandbox`).
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from cumulo.core.run.sandbox import INPUT, OUTPUT, Bounds, SandboxFailed, sandboxed
from cumulo.core.work import pools
from cumulo.image.model.content import ConversionFailed

MEMORY = 2 << 30
SECONDS = 3600.0
_MAGICS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip", b"BZh": "bzip2"}
_QEMU_NAMES = {"vhd": "vpc", "gpt": "raw", "ami": "raw", "aki": "raw", "ari": "raw", "iso": "raw"}
# gzip also unpacks a zip archive with one member, and complains about a second one.
_TOOLS = {"gzip": "gzip", "zip": "gzip", "xz": "xz", "bzip2": "bzip2"}


class SubprocessRewriter:
    async def decompress(self, source: str, target: str, most_bytes: int) -> str | None:
        kind = await pools.DISK(_packed, source)
        if kind is None:
            return None
        tool = shutil.which(_TOOLS[kind])
        if tool is None:
            raise ConversionFailed(f"{kind} files cannot be unpacked: {_TOOLS[kind]} is missing")
        argv = [tool, "-dc"]
        await self._run(argv, source, target, most_bytes, "the compressed file cannot be unpacked")
        return kind

    async def convert(
        self, source: str, source_format: str, target: str, format: str, most_bytes: int
    ) -> None:
        tool = shutil.which("qemu-img")
        if tool is None:
            raise ConversionFailed("images cannot be converted: qemu-img is not installed")
        options = ["-o", "subformat=streamOptimized"] if format == "vmdk" else []
        argv = [
            tool, "convert", "-f", _QEMU_NAMES.get(source_format, source_format),
            "-O", format, *options, INPUT, OUTPUT,
        ]  # fmt: skip
        await self._run(argv, source, target, most_bytes, "the disk cannot be converted")

    async def _run(
        self,
        argv: Sequence[str],
        source: str,
        target: str,
        most_bytes: int,
        complaint: str,
    ) -> None:
        """`target` is written under another name and renamed when it is whole."""
        temporary = Path(target).with_name(f".work-{Path(target).name}")
        try:
            await pools.COPY(
                sandboxed,
                argv,
                Path(source),
                temporary,
                Bounds(MEMORY, most_bytes, SECONDS),
            )
            await pools.DISK(_keep, temporary, Path(target))
        except SandboxFailed as error:
            raise ConversionFailed(f"{complaint}: {error}") from None
        finally:
            temporary.unlink(missing_ok=True)


def _packed(path: str) -> str | None:
    with Path(path).open("rb") as file:
        head = file.read(8)
    return next((kind for magic, kind in _MAGICS.items() if head.startswith(magic)), None)


def _keep(temporary: Path, target: Path) -> None:
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
