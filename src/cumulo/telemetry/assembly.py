"""What telemetry is to the cloud."""

from collections.abc import Sequence

from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, Service
from cumulo.core.db.transaction import Tx
from cumulo.core.outbound.guard import Guard, Limits
from cumulo.identity.interface import Identity
from cumulo.telemetry.api.face import alarming_face, metric_face, rating_face
from cumulo.telemetry.policy import ALARM_RULES, METRIC_RULES, RATING_RULES
from cumulo.telemetry.queries.metric import COUNT
from cumulo.telemetry.reconcile import AlarmCalls, AlarmLooks, Post
from cumulo.telemetry.service.alarms import Alarms
from cumulo.telemetry.service.metrics import Metrics, soon
from cumulo.telemetry.service.telemetry import TelemetryService
from cumulo.telemetry.service.usage import Usage, UsageConsumer
from cumulo.telemetry.settings import TelemetrySettings

PATIENCE = 10.0
"""Seconds that who is called may take to answer."""


def build(frame: Frame) -> Service:
    own = frame.settings.of(TelemetrySettings)
    database = frame.database
    metrics = Metrics(
        database, own.archive_policy, own.archive_policy_rate, own.metrics_per_project
    )
    rights = frame.get(Identity).principal_in_project
    alarms = Alarms(metrics, rights, own.evaluation_interval, own.alarms_per_project)
    telemetry = TelemetryService(metrics, alarms, Usage(own.prices), own.currency)
    looks = AlarmLooks(database, alarms)
    calls = AlarmCalls(database, alarms, _post(frame))
    frame.conductor.sink = metrics
    meters = [one for each in frame.assemblies for one in each.meters]

    def on_bells(bells: Bells) -> None:
        alarms.ring_calls = bells[calls.name]

        def measured(tx: Tx, metric_ids: Sequence[str]) -> None:
            soon(tx, metric_ids)
            tx.after_commit(bells[looks.name])

        metrics.measured = measured

    async def first_run(_hosts: object) -> None:
        await database.write(metrics.first_policies, name="first run: archive policies")

    return Service(
        telemetry,
        faces=[
            metric_face(telemetry, frame.rules("metric", METRIC_RULES)),
            alarming_face(telemetry, frame.rules("alarming", ALARM_RULES)),
            rating_face(telemetry, frame.rules("rating", RATING_RULES)),
        ],
        reconcilers=[looks, calls],
        on_bells=on_bells,
        consumers=[UsageConsumer(meters, metrics)],
        counts={"metrics": lambda tx: int(tx.value(COUNT)), "alarms": alarms.count},
        first_run=first_run,
    )


def _post(frame: Frame) -> Post:
    guard = Guard(
        frame.settings.outbound.allowed_networks,
        limits=Limits(most_bytes=1 << 20, patience=PATIENCE, seconds=PATIENCE),
    )

    async def post(url: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        answer = await guard.request("POST", url, headers=headers, body=body)
        async for _ in guard.blocks(answer):
            continue
        if answer.status >= 400:
            raise OSError(f"{url} answered {answer.status}")

    return post


ASSEMBLY = Assembly(
    "telemetry",
    build,
    catalog=(
        CatalogEntry("metric", (), "/metric", "gnocchi"),
        CatalogEntry("alarming", ("alarm",), "/alarming", "aodh"),
        CatalogEntry("rating", (), "/rating", "cloudkitty"),
    ),
)
