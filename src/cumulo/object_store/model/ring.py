"""The ring: which devices keep a blob. Computed from the devices, the same for everybody.

A blob's id names one of 2^power partitions. For each partition every device draws a number that
only the two of them decide (weighted rendezvous hashing); the highest ones keep it, each replica in
another zone as long as there are zones. So a device that comes or goes moves only what it gets or
had, in proportion to its weight, and nothing has to be stored or rebalanced by hand.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

POWER = 8
"""256 partitions: as many folders on a device."""


@dataclass(frozen=True, slots=True)
class Device:
    """A folder on some machine's disk."""

    name: str
    weight: float = 1.0
    zone: str = ""
    region: str = ""


class Ring:
    """Raises ValueError without a device that has a weight."""

    def __init__(self, devices: Sequence[Device], *, replicas: int = 1, power: int = POWER) -> None:
        self.devices = tuple(each for each in devices if each.weight > 0)
        if not self.devices:
            raise ValueError("a ring needs a device with a weight")
        self.power = power
        self.replicas = min(replicas, len(self.devices))
        self._table = [self._chosen(partition) for partition in range(1 << power)]

    def partition(self, blob: str) -> int:
        """Of a blob's id, whose first eight characters are random hexadecimal digits."""
        return int(blob[:8], 16) >> (32 - self.power)

    def keepers(self, partition: int) -> tuple[Device, ...]:
        """The devices of a partition, as many as there are replicas."""
        return self._table[partition][: self.replicas]

    def handoffs(self, partition: int) -> tuple[Device, ...]:
        """Who stands in when a keeper is missing, in this order."""
        return self._table[partition][self.replicas :]

    def share(self, device: str) -> float:
        """The part of all replicas that a device keeps."""
        kept = sum(
            device in {each.name for each in self.keepers(partition)}
            for partition in range(1 << self.power)
        )
        return kept / (self.replicas << self.power)

    def _chosen(self, partition: int) -> tuple[Device, ...]:
        ranked = sorted(self.devices, key=lambda device: -_draw(partition, device))
        chosen: list[Device] = []
        # First one of each region, then one of each zone, then whoever comes next.
        for place in (lambda d: d.region, lambda d: (d.region, d.zone), lambda d: d.name):
            for device in ranked:
                if device not in chosen and place(device) not in {place(each) for each in chosen}:
                    chosen.append(device)
        return tuple(chosen)


def _draw(partition: int, device: Device) -> float:
    digest = hashlib.sha256(f"{partition}/{device.name}".encode()).digest()
    share = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -device.weight / math.log(share)
