"""Telemetry as a whole."""

from dataclasses import dataclass

from cumulo.telemetry.service.alarms import Alarms
from cumulo.telemetry.service.hashmap import Hashmap
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.types import Types
from cumulo.telemetry.service.usage import Usage


@dataclass
class TelemetryService:
    metrics: Metrics
    types: Types
    alarms: Alarms
    usage: Usage
    hashmap: Hashmap
    currency: str
