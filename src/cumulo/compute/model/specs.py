"""Extra specs of flavors that have a meaning here or in other clouds, and what may be said.

API 2.86 refuses what is in one of these namespaces and not known, and values that make no sense.
Everything outside of them is an operator's own.
"""

import re
from collections.abc import Callable

NAMESPACES = frozenset(
    (
        *("accel", "aggregate_instance_extra_specs", "capabilities", "hw", "hw_rng", "hw_video"),
        *("os", "pci_passthrough", "powervm", "quota", "resources", "trait", "vmware"),
    )
)
_BOOL = re.compile(r"(true|false|1|0|yes|no|on|off|t|f|y|n)", re.I)
_INT = re.compile(r"\d{1,18}")
_FREE = ("aggregate_instance_extra_specs", "capabilities", "powervm", "vmware")
"""Namespaces whose names are an operator's own, too"""


def _one_of(*words: str) -> Callable[[str], bool]:
    return lambda value: value in words


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


def _bool(value: str) -> bool:
    return _BOOL.fullmatch(value) is not None


def _int(value: str) -> bool:
    return _INT.fullmatch(value) is not None


def _at_least_one(value: str) -> bool:
    return _int(value) and int(value) >= 1


_LIST = _matches(re.compile(r"(\^?\d+(-\d+)?)(,\^?\d+(-\d+)?)*"))
_KNOWN: dict[str, Callable[[str], bool]] = {
    "accel:device_profile": _matches(re.compile(r".{1,255}")),
    "hw:boot_menu": _bool,
    "hw:cpu_cores": _at_least_one,
    "hw:cpu_dedicated_mask": _LIST,
    "hw:cpu_max_cores": _at_least_one,
    "hw:cpu_max_sockets": _at_least_one,
    "hw:cpu_max_threads": _at_least_one,
    "hw:cpu_policy": _one_of("dedicated", "shared", "mixed"),
    "hw:cpu_realtime": _bool,
    "hw:cpu_realtime_mask": _LIST,
    "hw:cpu_sockets": _at_least_one,
    "hw:cpu_thread_policy": _one_of("prefer", "isolate", "require"),
    "hw:cpu_threads": _at_least_one,
    "hw:emulator_threads_policy": _one_of("isolate", "share"),
    "hw:hide_hypervisor_id": _bool,
    "hw:input_bus": _one_of("usb", "virtio"),
    "hw:locked_memory": _bool,
    "hw:maxphysaddr_bits": _int,
    "hw:maxphysaddr_mode": _one_of("passthrough", "emulate"),
    "hw:mem_encryption": _bool,
    "hw:mem_encryption_model": _one_of("amd-sev", "amd-sev-es"),
    "hw:mem_page_size": _matches(re.compile(r"large|small|any|\d+([kKMGT]i?(b|bit|B)?)?")),
    "hw:numa_nodes": _at_least_one,
    "hw:pci_numa_affinity_policy": _one_of("required", "preferred", "legacy", "socket"),
    "hw:pmem": _matches(re.compile(r".{1,255}")),
    "hw:pmu": _bool,
    "hw:serial_port_count": _int,
    "hw:sound_model": _one_of("sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "virtio"),
    "hw:tpm_model": _one_of("tpm-tis", "tpm-crb"),
    "hw:tpm_secret_security": _one_of("user", "host", "deployment"),
    "hw:tpm_version": _one_of("1.2", "2.0"),
    "hw:usb_model": _matches(re.compile(r"[a-z0-9-]{1,40}")),
    "hw:vif_multiqueue_enabled": _bool,
    "hw:viommu_model": _one_of("intel", "smmuv3", "virtio", "auto"),
    "hw:virtio_packed_ring": _bool,
    "hw:watchdog_action": _one_of("none", "pause", "poweroff", "reset", "disabled"),
    "hw_rng:allowed": _bool,
    "hw_rng:rate_bytes": _int,
    "hw_rng:rate_period": _int,
    "hw_video:ram_max_mb": _int,
    "os:monitors": _int,
    "os:secure_boot": _one_of("required", "optional", "disabled"),
    "pci_passthrough:alias": _matches(re.compile(r"[^:]+:\d+(,[^:]+:\d+)*")),
    **{f"quota:cpu_{name}": _int for name in ("limit", "period", "quota", "reservation", "shares")},
    **{f"quota:disk_io_{name}": _int for name in ("limit", "reservation", "shares_share")},
    **{
        f"quota:{noun}_{way}_{unit}_sec{burst}": _int
        for noun in ("disk",)
        for way in ("read", "write", "total")
        for unit in ("bytes", "iops")
        for burst in ("", "_max", "_max_length")
    },
    **{f"quota:memory_{name}": _int for name in ("limit", "reservation", "shares_share")},
    **{
        f"quota:vif_{way}_{name}": _int
        for way in ("inbound", "outbound")
        for name in ("average", "burst", "peak")
    },
}
_PATTERNS = (
    (re.compile(r"hw:numa_cpus\.\d+"), _LIST),
    (re.compile(r"hw:numa_mem\.\d+"), _int),
    (re.compile(r"hw:cpu_realtime_mask\.\d+"), _LIST),
    (re.compile(r"resources\w*:[A-Z0-9_]+"), _int),
    (re.compile(r"resources\w*:group_policy"), _one_of("none", "isolate")),
    (re.compile(r"trait\w*:[A-Z0-9_]+"), _one_of("required", "forbidden")),
)


def complaint(name: str, value: str) -> str | None:
    """What is wrong with an extra spec, in compute's words; None: nothing."""
    namespace = name.partition(":")[0]
    grouped = re.fullmatch(r"(resources|trait)\w+", namespace)
    if ":" not in name or (namespace not in NAMESPACES and not grouped):
        return None
    if namespace in _FREE:
        return None
    fits = _KNOWN.get(name)
    if fits is None:
        fits = next((check for pattern, check in _PATTERNS if pattern.fullmatch(name)), None)
    if fits is None and namespace == "os":
        return None
    if fits is None:
        return f"Validation failed; extra spec '{name}' does not appear to be a valid extra spec."
    if not fits(value):
        return f"Validation failed; '{value}' is not a valid value for extra spec '{name}'"
    return None
