"""What a file really is, read from its first bytes, before any tool opens it.

Images come from strangers. A qcow2 file that names a backing file or an external data file would
make QEMU read any file of the host into a guest, so such files are refused here, by our own
reader of the headers; nothing else ever opens an image that was not accepted.
"""

import struct

import msgspec

HEAD_BYTES = 128 * 1024
"""How much of a file's start is looked at: enough for the latest mark (ISO 9660, at 32 KiB)."""

SECTOR = 512
_QCOW2_KNOWN_FEATURES = 0b11111
_QCOW2_DIRTY, _QCOW2_CORRUPT, _QCOW2_DATA_FILE = 1, 2, 4
_VMDK_SAFE = (b"monolithicsparse", b"streamoptimized")


class Inspection(msgspec.Struct, frozen=True):
    """`format`: what the marks say (`raw` when there are none); `virtual_size`: bytes of the disk
    inside, None where the header alone does not tell; `problem`: why it is not safe to open."""

    format: str
    virtual_size: int | None
    problem: str | None = None


def inspect(head: bytes, size: int) -> Inspection:
    """Look at the first HEAD_BYTES (or fewer, of a small file) of a file of `size` bytes."""
    if head.startswith(b"QFI\xfb"):
        return _qcow2(head, size)
    if head.startswith(b"KDMV") or head.startswith(b"# Disk DescriptorFile"):
        return _vmdk(head)
    if head.startswith(b"conectix"):
        return _vhd(head)
    if head.startswith(b"vhdxfile"):
        return Inspection("vhdx", None)
    if head[64:68] == b"\x7f\x10\xda\xbe":
        return _vdi(head)
    if head.startswith(b"QED\0"):
        return Inspection("qed", None, "the format QED is not supported")
    if head.startswith(b"LUKS\xba\xbe"):
        return Inspection("luks", None)
    if head[32769:32774] == b"CD001":
        return Inspection("iso", size)
    return Inspection("raw", size)


def refusal(found: Inspection, declared: str | None) -> str | None:
    """Why a file that was declared as a disk format is not accepted; None when it is."""
    if found.problem is not None:
        return found.problem
    if declared in ("aki", "ari", "ami", "raw") and found.format in ("raw", "iso", "luks"):
        return None
    if declared == "vhd" and found.format == "raw":
        # A fixed VHD is the bare disk; its mark is in the last sector.
        return None
    if declared != found.format:
        return f"the content is {found.format}, but disk_format says {declared}"
    return None


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
    elif version == 3:
        problem = _qcow2_features(head)
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
    return _qcow2_extensions(head)


def _qcow2_extensions(head: bytes) -> str | None:
    """The header's extensions may name a data file too."""
    (offset,) = struct.unpack_from(">I", head, 100)
    while offset + 8 <= len(head):
        kind, length = struct.unpack_from(">II", head, offset)
        if kind == 0:
            return None
        if kind == 0x44415441:
            return "the qcow2 file refers to an external data file"
        offset += 8 + (length + 7) // 8 * 8
    return "the qcow2 header is cut off"


def _vmdk(head: bytes) -> Inspection:
    if not head.startswith(b"KDMV"):
        return Inspection("vmdk", None, "a VMDK descriptor refers to other files")
    if len(head) < SECTOR:
        return Inspection("vmdk", None, "the VMDK header is cut off")
    capacity, _, offset, length = struct.unpack_from("<QQQQ", head, 12)
    text = head[offset * SECTOR : (offset + length) * SECTOR].lower()
    if offset * SECTOR >= len(head) or b"createtype=" not in text:
        return Inspection("vmdk", None, "the VMDK file has no descriptor of its own")
    kind = text.partition(b"createtype=")[2].partition(b"\n")[0].strip().strip(b'"')
    if kind not in _VMDK_SAFE:
        named = kind.decode(errors="replace")
        return Inspection("vmdk", None, f"a VMDK of the type {named} may refer to other files")
    extents = [line for line in text.split(b"\n") if line.startswith((b"rw ", b"rdonly "))]
    if len(extents) > 1:
        return Inspection("vmdk", None, "the VMDK file refers to other files")
    return Inspection("vmdk", capacity * SECTOR)


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
