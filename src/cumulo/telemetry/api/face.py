"""Telemetry's faces: Gnocchi's, Aodh's and CloudKitty's."""

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database
from cumulo.core.http.operations import Face
from cumulo.telemetry.api.aggregates import AggregatesApi
from cumulo.telemetry.api.alarm_search import AlarmQueriesApi
from cumulo.telemetry.api.alarms import AlarmsApi
from cumulo.telemetry.api.faults import aodh, cloudkitty, gnocchi
from cumulo.telemetry.api.hashmap import HashmapApi
from cumulo.telemetry.api.measures import MeasuresApi
from cumulo.telemetry.api.metrics import MetricsApi
from cumulo.telemetry.api.policies import PoliciesApi
from cumulo.telemetry.api.rating import RatingApi
from cumulo.telemetry.api.rating_v2 import RatingV2Api
from cumulo.telemetry.api.resource_types import ResourceTypesApi
from cumulo.telemetry.api.resources import ResourcesApi
from cumulo.telemetry.api.values import ValuesApi
from cumulo.telemetry.service.telemetry import TelemetryService


def metric_face(telemetry: TelemetryService, database: Database, rules: Rules) -> Face:
    metrics, types = telemetry.metrics, telemetry.types
    return Face(
        name="metric",
        mount="/metric",
        json_only=True,
        answers="cumulo.telemetry.api.metric_answers",
        # Gnocchi sends no X-Openstack-Request-Id, and its client would print it in every message.
        request_id_headers=("X-Request-Id",),
        faults=gnocchi,
        rules=rules,
        operations=[
            *MetricsApi(metrics).operations(),
            *PoliciesApi(metrics.policies).operations(),
            *MeasuresApi(database, metrics).operations(),
            *ValuesApi(metrics).operations(),
            *AggregatesApi(metrics, types).operations(),
            *ResourceTypesApi(types).operations(),
            *ResourcesApi(metrics, types).operations(),
        ],
    )


def alarming_face(telemetry: TelemetryService, rules: Rules) -> Face:
    return Face(
        name="alarming",
        mount="/alarming",
        answers="cumulo.telemetry.api.alarm_answers",
        faults=aodh,
        rules=rules,
        operations=[
            *AlarmsApi(telemetry.alarms).operations(),
            *AlarmQueriesApi(telemetry.alarms).operations(),
        ],
    )


def rating_face(telemetry: TelemetryService, rules: Rules, region: str) -> Face:
    usage, currency = telemetry.usage, telemetry.currency
    return Face(
        name="rating",
        mount="/rating",
        answers="cumulo.telemetry.api.rating_answers",
        faults=cloudkitty,
        rules=rules,
        operations=[
            *RatingApi(usage, currency).operations(),
            *RatingV2Api(usage, currency, region).operations(),
            *HashmapApi(telemetry.hashmap).operations(),
        ],
    )
