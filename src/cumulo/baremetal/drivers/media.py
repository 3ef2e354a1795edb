"""Virtual media and config drives.

A boot's medium is the deploy ramdisk behind isolinux, and a second, tiny initramfs with what this
boot is told (`/etc/cumulo-agent.json`): the kernel unpacks it over the first. A stock
ironic-python-agent reads the kernel's command line instead.
"""

import asyncio
import base64
import gzip
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cumulo.baremetal.drivers.places import Places
from cumulo.baremetal.model.hardware import Boot, Machine, Rejected
from cumulo.core.run.commands import CommandFailed, run
from cumulo.core.work import pools

ISOLINUX = Path("/usr/lib/ISOLINUX/isolinux.bin")
MODULES = Path("/usr/lib/syslinux/modules/bios")
TOLD = "etc/cumulo-agent.json"
_CONFIG = """SERIAL 0 115200
DEFAULT deploy
PROMPT 0
TIMEOUT 0
LABEL deploy
  LINUX /vmlinuz
  INITRD /ramdisk.img,/told.img
  APPEND {arguments}
"""
ARGUMENTS = (
    "console=tty1 console=ttyS0 loglevel=4 panic=10 mitigations=off nowatchdog tsc=reliable "
    "no_timer_check random.trust_cpu=on nofb"
)
MOST_DRIVE = 64 * 1024 * 1024


class Media:
    """`folder`: where media are while machines boot from them. `kernel` and `ramdisk` are looked
    for when they are needed."""

    def __init__(self, folder: Path, places: Places, kernel: Path, ramdisk: Path) -> None:
        self._folder = folder
        self._places = places
        self._kernel = kernel
        self._ramdisk = ramdisk
        self._lock = asyncio.Semaphore(4)

    async def make(self, machine: Machine, boot: Boot) -> str:
        place = self._places.of(machine.info)
        target = self._path(boot.node)
        async with self._lock:
            tree = Path(await pools.DISK(tempfile.mkdtemp, prefix="cumulo-medium-"))
            try:
                await pools.DISK(self._lay_out, tree, machine, boot, place.agent_url)
                await self._iso(tree, target)
            finally:
                await pools.DISK(shutil.rmtree, tree, True)
        return f"{place.media_url}/v1/agent/{boot.node}/{boot.ticket}/boot.iso"

    def script(self, machine: Machine, boot: Boot) -> str:
        url = self.content_url(machine, boot, "boot")
        arguments = self._arguments(machine, boot)
        # The kernel finds what iPXE has loaded by these names.
        named = "initrd=ramdisk.img initrd=told.img"
        return (
            "#!ipxe\n"
            f"kernel {url}/vmlinuz {named} {arguments}\n"
            f"initrd --name ramdisk.img {url}/ramdisk.img\n"
            f"initrd --name told.img {url}/told.img\n"
            "boot\n"
        )

    def loaded(self, machine: Machine, boot: Boot, name: str) -> Path | bytes:
        if name == "told.img":
            return self._told(boot, self._places.of(machine.info).agent_url)
        found = {"vmlinuz": self._kernel, "ramdisk.img": self._ramdisk}[name]
        if not found.exists():
            raise Rejected(f"there is no deploy ramdisk ({found}): ./cumulo baremetal ramdisk")
        return found

    def _arguments(self, machine: Machine, boot: Boot) -> str:
        api = self._places.of(machine.info).agent_url
        return f"{ARGUMENTS} ipa-api-url={api} ipa-agent-token={boot.token}"

    def _told(self, boot: Boot, api: str) -> bytes:
        told = {
            "api": api,
            "node": boot.node,
            "token": boot.token,
            "certificate": boot.certificate,
            "key": boot.key,
        }
        return archive({TOLD: msgspec.json.encode(told)})

    async def _iso(self, tree: Path, target: Path) -> None:
        new = target.with_suffix(".new")
        argv = [
            "xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", "ir-vfd-dev", "-o", str(new),
            "-b", "isolinux.bin", "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4",
            "-boot-info-table", str(tree),
        ]  # fmt: skip
        try:
            await run(argv, timeout=60.0)
        except CommandFailed as error:
            raise Rejected(f"the medium cannot be made: {error}") from None
        await pools.DISK(new.replace, target)

    def _lay_out(self, tree: Path, machine: Machine, boot: Boot, api: str) -> None:
        for needed in (self._kernel, self._ramdisk):
            if not needed.exists():
                raise Rejected(f"there is no deploy ramdisk ({needed}): ./cumulo baremetal ramdisk")
        for needed in (ISOLINUX, MODULES / "ldlinux.c32"):
            if not needed.exists():
                raise Rejected(f"{needed} is missing: apt-get install isolinux syslinux-common")
            shutil.copyfile(needed, tree / needed.name)
        for source, name in ((self._kernel, "vmlinuz"), (self._ramdisk, "ramdisk.img")):
            shutil.copyfile(source, tree / name)
        (tree / "told.img").write_bytes(self._told(boot, api))
        arguments = self._arguments(machine, boot)
        (tree / "isolinux.cfg").write_text(_CONFIG.format(arguments=arguments))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path(self, node: str) -> Path:
        return self._folder / f"{node}.iso"

    def medium(self, node: str) -> Path | None:
        found = self._path(node)
        return found if found.exists() else None

    def content_url(self, machine: Machine, boot: Boot, name: str) -> str:
        place = self._places.of(machine.info)
        return f"{place.agent_url}/v1/agent/{boot.node}/{boot.ticket}/{name}"

    def forget(self, node: str) -> None:
        self._path(node).unlink(missing_ok=True)

    async def crypt(self, password: str) -> str:
        """By standard input: argument vectors can be read by others."""
        try:
            argv = ["openssl", "passwd", "-6", "-stdin"]
            found = await run(argv, stdin=f"{password}\n".encode(), timeout=30.0)
        except CommandFailed:
            raise Rejected("the password cannot be hashed: openssl failed") from None
        return found.decode().strip()

    async def config_drive(self, document: Mapping[str, Any]) -> str:
        tree = Path(await pools.DISK(tempfile.mkdtemp, prefix="cumulo-drive-"))
        try:
            return await _drive(tree, document)
        finally:
            await pools.DISK(shutil.rmtree, tree, True)


async def _drive(tree: Path, document: Mapping[str, Any]) -> str:
    await pools.DISK(_fill, tree / "content", document)
    target = tree / "drive.iso"
    argv = [
        "xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-V", "config-2", "-o", str(target),
        str(tree / "content"),
    ]  # fmt: skip
    try:
        await run(argv, timeout=60.0)
    except CommandFailed as error:
        raise Rejected(f"the config drive cannot be made: {error}") from None
    raw = await pools.DISK(target.read_bytes)
    packed = await pools.COPY(gzip.compress, raw, 6)
    return base64.b64encode(packed).decode()


def _fill(folder: Path, document: Mapping[str, Any]) -> None:
    latest = folder / "openstack" / "latest"
    latest.mkdir(parents=True)
    files = {"meta_data": "meta_data.json", "network_data": "network_data.json",
             "vendor_data": "vendor_data2.json", "user_data": "user_data"}  # fmt: skip
    for name, file in files.items():
        value = document.get(name)
        if value is None:
            continue
        text = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
        (latest / file).write_bytes(text)


def archive(files: Mapping[str, bytes]) -> bytes:
    """An initramfs (cpio, new ASCII format) of these files, readable by root alone."""
    found = bytearray()
    folders = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    entries: list[tuple[str, int, bytes]] = [(each, 0o40755, b"") for each in sorted(folders)]
    entries += [(name, 0o100600, content) for name, content in files.items()]
    for number, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        found += b"070701" + b"".join(b"%08x" % field for field in fields)
        found += name.encode() + b"\0"
        found += bytes(-len(found) % 4) + content
        found += bytes(-len(found) % 4)
    return bytes(found)
