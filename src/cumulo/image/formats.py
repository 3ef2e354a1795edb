"""What a file really is, read from its own bytes, before any tool opens it.

Images come from strangers. A qcow2 file that names a backing file or an external data file would
make QEMU read any file of the host into a guest, so such files are refused here, by our own
reader of the headers; nothing else ever opens an image that was not accepted.

A `Probe` watches the bytes as they pass, so memory stays flat and no store needs to be read back:
it keeps the start, the end, and the one place in the middle that a VHDX header points to.
"""

import re
import struct

import msgspec

HEAD_BYTES = 320 * 1024
"""Enough for the latest mark at a fixed place: the second region table of VHDX, at 256 KiB."""
TAIL_BYTES = 4096
"""Footers of VHD (512 bytes) and of streamed VMDK (three sectors)."""
REGION_BYTES = 256 * 1024

SECTOR = 512
_QCOW2_KNOWN_FEATURES = 0b11111
_QCOW2_CORRUPT, _QCOW2_DATA_FILE = 2, 4
_VMDK_SAFE = (b"monolithicsparse", b"streamoptimized")
_VMDK_IN_FOOTER = 2**64 - 1
_VMDK_MOST_SECTORS = 64
_VMDK_CID_DIGITS = 8
"""Of a descriptor: tools write twenty."""
_VMDK_ENTRY = re.compile(rb"#.*|[a-z0-9_.]+ *= *(\"[^\"]*\"|[^\" ]*)")
_VMDK_EXTENT = re.compile(rb'(rw|rdonly) [0-9]{1,15} sparse "[^"/\\:]{1,255}"( 0)?')
_NO_PARENT = b"ffffffff"
_VHDX_METADATA = bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
_VHDX_SIZE = bytes.fromhex("2442a52f1bcd7648b2115dbed83bf4b8")
_VHDX_PARAMETERS = bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b")
_PLAIN = ("raw", "gpt", "iso", "luks", "xz")
"""What is harmless when it is read as bare bytes."""


class Inspection(msgspec.Struct, frozen=True):
    """`format`: what the marks say (`raw` when there are none); `virtual_size`: bytes of the disk
    inside, None where the header alone does not tell; `problem`: why it is not safe to open."""

    format: str
    virtual_size: int | None
    problem: str | None = None


class Probe:
    """Fed with all bytes of a file in order; says what it is at the end."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = b""
        self._region_at: int | None = None
        self._region = bytearray()
        self.size = 0

    def add(self, block: bytes) -> None:
        missing = HEAD_BYTES - len(self._head)
        if missing > 0:
            self._head += block[:missing]
            if len(self._head) == HEAD_BYTES:
                self._region_at = region_of(bytes(self._head))
        if self._region_at is not None:
            self._keep_region(block, self._region_at - self.size)
        if len(block) >= TAIL_BYTES:
            self._tail = block[-TAIL_BYTES:]
        elif block:
            self._tail = (self._tail + block)[-TAIL_BYTES:]
        self.size += len(block)

    def _keep_region(self, block: bytes, start: int) -> None:
        """`start`: where the region begins, seen from the start of this block."""
        start += len(self._region)
        if start < len(block) and len(self._region) < REGION_BYTES:
            self._region += block[max(0, start) : start + REGION_BYTES - len(self._region)]

    def result(self) -> Inspection:
        return judge(bytes(self._head), self.size, self._tail, bytes(self._region))


def inspect(data: bytes) -> Inspection:
    """A whole file that is in memory."""
    probe = Probe()
    probe.add(data)
    return probe.result()


def judge(head: bytes, size: int, tail: bytes, region: bytes) -> Inspection:
    """The first HEAD_BYTES, the last TAIL_BYTES, and REGION_BYTES from `region_of(head)`."""
    if head.startswith(b"QFI\xfb"):
        return _qcow2(head, size)
    if head.startswith(b"KDMV") or head.lstrip().startswith(b"# Disk DescriptorFile"):
        return _vmdk(head, size, tail)
    if head.startswith(b"COWD"):
        return Inspection("vmdk", None, "a VMDK of this kind may refer to other files")
    if head.startswith(b"conectix"):
        return _vhd(head)
    if head.startswith(b"vhdxfile"):
        return _vhdx(region)
    if head[64:68] == b"\x7f\x10\xda\xbe":
        return _vdi(head)
    if head.startswith(b"QED\0"):
        return Inspection("qed", None, "the format QED is not supported")
    if head.startswith((b"WithoutFreeSpace", b"WithouFreSpacExt")):
        return Inspection("ploop", None)
    if head.startswith(b"\xfd7zXZ\0"):
        return Inspection("xz", None)
    if head.startswith(b"LUKS\xba\xbe"):
        return Inspection("luks", None)
    if head[32769:32774] == b"CD001":
        return Inspection("iso", size)
    if tail[-SECTOR : -SECTOR + 8] == b"conectix" and size > SECTOR:
        return _vhd(tail[-SECTOR:])
    if head[510:512] == b"\x55\xaa" and _partitioned(head):
        return Inspection("gpt", size)
    return Inspection("raw", size)


def refusal(found: Inspection, declared: str | None, largest: int | None = None) -> str | None:
    """Why a file that was declared as a disk format is not accepted; None when it is.

    `largest`: the most bytes that the disk inside may have.
    """
    if found.problem is not None:
        return found.problem
    if largest is not None and (found.virtual_size or 0) > largest:
        return f"the disk inside has {found.virtual_size} bytes, more than {largest}"
    if declared in ("aki", "ari", "ami", "raw") and found.format in _PLAIN:
        return None
    if declared == "ploop" and found.format == "raw":
        return None
    if declared != found.format:
        return f"the content is {found.format}, but disk_format says {declared}"
    return None


def _partitioned(head: bytes) -> bool:
    """A partition table of which at least one entry is in use, and none is nonsense."""
    entries = [head[446 + 16 * i : 462 + 16 * i] for i in range(4)]
    if any(entry[:1] not in (b"\x00", b"\x80") for entry in entries):
        return False
    return any(entry[4:5] not in (b"", b"\x00") for entry in entries)


def _qcow2(head: bytes, size: int) -> Inspection:
    if len(head) < 72:
        return Inspection("qcow2", None, "the qcow2 header is cut off")
    version, backing_offset, backing_length, cluster_bits = struct.unpack_from(">IQII", head, 4)
    (virtual,) = struct.unpack_from(">Q", head, 24)
    problem = None
    if version not in (2, 3):
        problem = f"qcow2 of an unknown version {version}"
    elif not 9 <= cluster_bits <= 21:
        problem = "the qcow2 header makes no sense"
    elif backing_offset or backing_length:
        problem = "the qcow2 file refers to a backing file"
    else:
        problem = _qcow2_features(head) if version == 3 else _qcow2_extensions(head, 72)
    if problem is None and virtual == 0:
        problem = "the disk in the qcow2 file is empty"
    return Inspection("qcow2", virtual, problem)


def _qcow2_features(head: bytes) -> str | None:
    if len(head) < 104:
        return "the qcow2 header is cut off"
    (incompatible,) = struct.unpack_from(">Q", head, 72)
    if incompatible & _QCOW2_DATA_FILE:
        return "the qcow2 file refers to an external data file"
    if incompatible & _QCOW2_CORRUPT:
        return "the qcow2 file is marked as corrupt"
    if incompatible & ~_QCOW2_KNOWN_FEATURES:
        return "the qcow2 file uses unknown features"
    return _qcow2_extensions(head, struct.unpack_from(">I", head, 100)[0])


def _qcow2_extensions(head: bytes, offset: int) -> str | None:
    """The header's extensions, from `offset` on, may name a data file too."""
    while offset + 8 <= len(head):
        kind, length = struct.unpack_from(">II", head, offset)
        if kind == 0:
            return None
        if kind == 0x44415441:
            return "the qcow2 file refers to an external data file"
        offset += 8 + (length + 7) // 8 * 8
    return "the qcow2 header is cut off"


def _vmdk(head: bytes, size: int, tail: bytes) -> Inspection:
    if not head.startswith(b"KDMV"):
        return Inspection("vmdk", None, "a VMDK descriptor refers to other files")
    if len(head) < SECTOR:
        return Inspection("vmdk", None, "the VMDK header is cut off")
    (version,) = struct.unpack_from("<I", head, 4)
    capacity, _, offset, length = struct.unpack_from("<QQQQ", head, 12)
    (tables,) = struct.unpack_from("<Q", head, 56)
    if tables == _VMDK_IN_FOOTER:
        # QEMU believes the footer, so it must say the same as what was looked at.
        footer = tail[-2 * SECTOR : -SECTOR]
        if (
            size % SECTOR
            or len(footer) < SECTOR
            or footer[:4] != b"KDMV"
            or footer[4:44] != head[4:44]
        ):
            return Inspection("vmdk", None, "the VMDK footer differs from the header")
    if not 1 <= version <= 3:
        return Inspection("vmdk", None, f"VMDK of an unknown version {version}")
    if capacity == 0:
        # QEMU then looks for the disk where the descriptor says: in other files.
        return Inspection("vmdk", None, "the disk in the VMDK file is empty")
    end = (offset + length) * SECTOR
    # QEMU looks for the parent in the second sector, wherever the header says that it is.
    if offset != 1 or length < 1 or length > _VMDK_MOST_SECTORS or end > len(head):
        return Inspection("vmdk", None, "the VMDK file has no descriptor of its own")
    problem = _vmdk_descriptor(head[offset * SECTOR : end])
    return Inspection("vmdk", None if problem else capacity * SECTOR, problem)


def _vmdk_descriptor(room: bytes) -> str | None:
    """Only what tools themselves write: one of each entry, one extent, and that in this file.

    QEMU searches the text for a name and takes the first place that it finds, commented or not,
    whatever is before it; it splits extents at any white space. So each word that it may look for
    stands where it belongs, once, or the whole is refused."""
    text, _, rest = room.partition(b"\0")
    left = rest.strip(b"\0")
    if len(left) >= _VMDK_CID_DIGITS or not text.endswith(left):
        # QEMU writes a shorter content id over a longer one and leaves the old text's last bytes.
        return "the VMDK descriptor has bytes after its end"
    if any(byte != 10 and byte != 13 and not 32 <= byte < 127 for byte in text):
        # A tab would do where QEMU wants white space; a backspace shows to no reader.
        return "the VMDK descriptor is not plain text"
    lines = [line.strip() for line in text.lower().replace(b"\r", b"\n").split(b"\n")]
    for word in (b"createtype", b"parentcid", b"parentfilenamehint"):
        named = [line for line in lines if word in line]
        if len(named) > 1 or any(line.partition(b"=")[0].strip() != word for line in named):
            return f"the VMDK descriptor says {word.decode()} more than once, or not by itself"
    entries = {line.partition(b"=")[0].strip(): line.partition(b"=")[2].strip() for line in lines}
    if b"createtype" not in entries:
        return "the VMDK file has no descriptor of its own"
    kind = entries[b"createtype"].strip(b'"')
    if kind not in _VMDK_SAFE:
        named_kind = kind[:64].decode(errors="replace")
        return f"a VMDK of the type {named_kind} may refer to other files"
    if b"parentfilenamehint" in entries or entries.get(b"parentcid", _NO_PARENT) != _NO_PARENT:
        return "a differencing VMDK refers to another file"
    extents = [line for line in lines if line and not _VMDK_ENTRY.fullmatch(line)]
    if len(extents) != 1 or not _VMDK_EXTENT.fullmatch(extents[0]):
        return "the VMDK file refers to other files"
    return None


def _vhd(head: bytes) -> Inspection:
    if len(head) < SECTOR:
        return Inspection("vhd", None, "the VHD header is cut off")
    (size,) = struct.unpack_from(">Q", head, 48)
    (kind,) = struct.unpack_from(">I", head, 60)
    problem = "a differencing VHD refers to another file" if kind == 4 else None
    return Inspection("vhd", size, problem)


def _vdi(head: bytes) -> Inspection:
    if len(head) < SECTOR:
        return Inspection("vdi", None, "the VDI header is cut off")
    (kind,) = struct.unpack_from("<I", head, 76)
    (size,) = struct.unpack_from("<Q", head, 368)
    problem = "a differencing VDI refers to another file" if kind == 4 else None
    return Inspection("vdi", size, problem)


def region_of(head: bytes) -> int | None:
    """Where the metadata of a VHDX file are, as its region table says."""
    if not head.startswith(b"vhdxfile"):
        return None
    for table in (192 * 1024, 256 * 1024):
        if head[table : table + 4] != b"regi":
            continue
        (count,) = struct.unpack_from("<I", head, table + 8)
        for i in range(min(count, 2047)):
            at = table + 16 + 32 * i
            if head[at : at + 16] == _VHDX_METADATA:
                (offset,) = struct.unpack_from("<Q", head, at + 16)
                # The bytes have passed when it points back; no tool writes it there.
                return int(offset) if offset >= HEAD_BYTES else None
    return None


def _vhdx(region: bytes) -> Inspection:
    if region[:8] != b"metadata" or len(region) < 32:
        return Inspection("vhdx", None, "the VHDX file has no metadata where they belong")
    (count,) = struct.unpack_from("<H", region, 10)
    items: dict[bytes, bytes] = {}
    for i in range(min(count, 2047)):
        at = 32 + 32 * i
        if at + 32 > len(region):
            break
        offset, length = struct.unpack_from("<II", region, at + 16)
        items[region[at : at + 16]] = region[offset : offset + min(length, 64)]
    size, parameters = items.get(_VHDX_SIZE, b""), items.get(_VHDX_PARAMETERS, b"")
    if len(size) < 8 or len(parameters) < 8:
        return Inspection("vhdx", None, "the VHDX file does not tell its size")
    (virtual,) = struct.unpack_from("<Q", size)
    (flags,) = struct.unpack_from("<I", parameters, 4)
    problem = "a differencing VHDX refers to another file" if flags & 2 else None
    return Inspection("vhdx", virtual, problem)
