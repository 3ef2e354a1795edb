"""Telemetry's own settings: the table `[telemetry]` of `cumulo.toml`."""

from typing import Annotated, ClassVar

import msgspec


class TelemetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "telemetry"

    prices: dict[str, float] = {}
    """What an hour costs: `instance` for each that is there, `instance.vcpus` for each unit of that
    fact of it, `volume.size` for each GiB … Nothing is charged without a price."""
    currency: str = "EUR"
    archive_policy: str = "ceilometer-low"
    """Of what hosts tell of guests, where it only holds a value (memory)."""
    archive_policy_rate: str = "ceilometer-low-rate"
    """Of what hosts tell of guests, where it counts (processor time, bytes)."""
    remote_write: str = ""
    """Where samples of hosts are sent on to: the URL of Prometheus' remote write, `http://…`."""
    evaluation_interval: Annotated[float, msgspec.Meta(ge=1)] = 60.0
    """Seconds between two looks of an alarm at its metric when no new measure has come."""
    metrics_per_project: Annotated[int, msgspec.Meta(ge=-1)] = 10_000
    """That its users make themselves; what hosts tell of guests is not counted. -1: any number."""
    points_per_project: Annotated[int, msgspec.Meta(ge=-1)] = 100_000_000
    """That the metrics which its users make may have together, as their archive policies say: each
    is a row of some 200 bytes. -1: any number."""
    resources_per_project: Annotated[int, msgspec.Meta(ge=-1)] = 10_000
    """That its users make themselves. -1: any number."""
    ended_days: Annotated[float, msgspec.Meta(ge=0)] = 400.0
    """So long the metrics of a thing that is gone are kept; bills do not need them."""
    alarms_per_project: Annotated[int, msgspec.Meta(ge=-1)] = 1000
    """-1: any number."""
