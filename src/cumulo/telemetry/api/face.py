"""Telemetry's faces: Gnocchi's, Aodh's and CloudKitty's."""

from cumulo.core.auth.policy import Rules
from cumulo.core.http.operations import Face
from cumulo.telemetry.api.alarms import AlarmsApi
from cumulo.telemetry.api.faults import aodh, cloudkitty, gnocchi
from cumulo.telemetry.api.metrics import MetricsApi, ResourcesApi
from cumulo.telemetry.api.rating import RatingApi
from cumulo.telemetry.service.telemetry import TelemetryService


def metric_face(telemetry: TelemetryService, rules: Rules) -> Face:
    metrics = telemetry.metrics
    return Face(
        name="metric",
        mount="/metric",
        faults=gnocchi,
        rules=rules,
        operations=[*MetricsApi(metrics).operations(), *ResourcesApi(metrics).operations()],
    )


def alarming_face(telemetry: TelemetryService, rules: Rules) -> Face:
    return Face(
        name="alarming",
        mount="/alarming",
        faults=aodh,
        rules=rules,
        operations=AlarmsApi(telemetry.alarms).operations(),
    )


def rating_face(telemetry: TelemetryService, rules: Rules) -> Face:
    return Face(
        name="rating",
        mount="/rating",
        faults=cloudkitty,
        rules=rules,
        operations=RatingApi(telemetry.usage, telemetry.currency).operations(),
    )
