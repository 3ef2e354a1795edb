"""What telemetry is to the cloud."""

from collections.abc import Mapping, Sequence

import msgspec

from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, Service
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.outbound.guard import Guard, Limits
from cumulo.identity.interface import Identity
from cumulo.telemetry.api.face import alarming_face, metric_face, rating_face
from cumulo.telemetry.policy import ALARM_RULES, METRIC_RULES, RATING_RULES
from cumulo.telemetry.queries.metric import COUNT
from cumulo.telemetry.reconcile import AlarmCalls, AlarmLooks, GonePoints, Post
from cumulo.telemetry.resources import TYPES
from cumulo.telemetry.service.alarm_events import AlarmEvents
from cumulo.telemetry.service.alarms import Alarms
from cumulo.telemetry.service.hashmap import Hashmap
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.prices import PriceBook
from cumulo.telemetry.service.remote_write import Deliver, RemoteWrite
from cumulo.telemetry.service.rules import Rules
from cumulo.telemetry.service.samples import Samples
from cumulo.telemetry.service.telemetry import TelemetryService
from cumulo.telemetry.service.types import Types
from cumulo.telemetry.service.usage import Usage, UsageConsumer
from cumulo.telemetry.service.wakings import all_soon, look_soon, search_again, watching
from cumulo.telemetry.settings import TelemetrySettings

PATIENCE = 10.0
"""Seconds that who is called may take to answer."""


def build(frame: Frame) -> Service:
    own = frame.settings.of(TelemetrySettings)
    database = frame.database
    metrics, types = _metrics(own), Types()
    rights = frame.get(Identity).principal_in_project
    alarms = Alarms(
        Rules(metrics, types),
        rights,
        own.evaluation_interval,
        own.alarms_per_project,
        frame.settings.base_url,
    )
    prices = PriceBook(own.prices)
    telemetry = TelemetryService(
        metrics, types, alarms, Usage(prices), Hashmap(prices), own.currency
    )
    looks = AlarmLooks(database, alarms)
    calls = AlarmCalls(database, alarms, _post(frame))
    gone = GonePoints(database, metrics, own.ended_days * 86400)
    samples = Samples(database, metrics, own.archive_policy, own.archive_policy_rate)
    frame.conductor.sink = samples
    workers = []
    if own.remote_write:
        sent_on = RemoteWrite(_deliver(own.remote_write))
        samples.told = sent_on.put
        workers.append(sent_on.run)
    leases = frame.nodes.leases
    meters = [one for each in frame.assemblies for one in each.meters]

    def on_bells(bells: Bells) -> None:
        alarms.ring_calls = bells[calls.name]
        alarms.ring_looks = bells[looks.name]
        gone.ring = bells[gone.name]

        def measured(tx: Tx, metric_ids: Sequence[str]) -> None:
            found = watching(tx, metric_ids)
            if not found:
                return
            if not leases.holds(looks.name):
                # Another control node looks: it finds them in the database.
                look_soon(tx, found)
                tx.after_commit(bells[looks.name])
                return

            def ring() -> None:
                looks.look_soon(found)
                bells[looks.name]()

            tx.after_commit(ring)

        def changed(tx: Tx, project_id: str | None) -> None:
            if search_again(tx, project_id):
                tx.after_commit(bells[looks.name])

        metrics.measured = measured
        metrics.resources.changed = changed

    async def first_run(_hosts: object) -> None:
        await database.write(metrics.policies.first, name="first run: archive policies")
        await database.write(all_soon, name="first run: alarms")
        await database.write(prices.note, name="first run: prices")

    return Service(
        telemetry,
        faces=[
            metric_face(telemetry, database, frame.rules("metric", METRIC_RULES)),
            alarming_face(telemetry, frame.rules("alarming", ALARM_RULES)),
            rating_face(telemetry, frame.rules("rating", RATING_RULES), frame.settings.region),
        ],
        reconcilers=[looks, calls, gone],
        workers=workers,
        on_bells=on_bells,
        consumers=[UsageConsumer(meters, metrics), AlarmEvents(alarms)],
        counts={"metrics": lambda tx: int(tx.value(COUNT)), "alarms": alarms.count},
        first_run=first_run,
    )


def _metrics(own: TelemetrySettings) -> Metrics:
    return Metrics(own.metrics_per_project, own.resources_per_project, own.points_per_project)


def _post(frame: Frame) -> Post:
    guard = Guard(
        frame.settings.outbound.allowed_networks,
        limits=Limits(most_bytes=1 << 20, patience=PATIENCE, seconds=PATIENCE),
    )
    own = frame.settings.base_url + "/"

    async def post(url: str, body: bytes, who: Principal | None) -> None:
        if url.startswith(own):
            # An address of this cloud is no way to its network: it is asked inside the process,
            # for the alarm's owner or, where nobody is named, what anybody may.
            path = url[len(own) - 1 :]
            answer = await frame.caller.call(who, "POST", path, msgspec.json.decode(body))
            if answer.status >= 400:
                raise OSError(f"{path.partition('?')[0][:40]}… answered {answer.status}")
            return
        if who is not None:
            raise OSError("a right is lent to addresses of this cloud only")
        headers = {"Content-Type": "application/json"}
        found = await guard.request("POST", url, headers=headers, body=body)
        async for _ in guard.blocks(found):
            continue
        if found.status >= 400:
            raise OSError(f"{url} answered {found.status}")

    return post


def _deliver(url: str) -> Deliver:
    """To the operator's own address, wherever that is."""
    guard = Guard(
        ["0.0.0.0/0", "::/0"],
        limits=Limits(most_bytes=1 << 20, patience=PATIENCE, seconds=PATIENCE),
    )

    async def deliver(body: bytes, headers: Mapping[str, str]) -> int:
        found = await guard.request("POST", url, headers=headers, body=body)
        async for _ in guard.blocks(found):
            continue
        return found.status

    return deliver


ASSEMBLY = Assembly(
    "telemetry",
    build,
    catalog=(
        CatalogEntry("metric", (), "/metric", "gnocchi"),
        CatalogEntry("alarming", ("alarm",), "/alarming", "aodh"),
        CatalogEntry("rating", (), "/rating", "cloudkitty"),
    ),
    resource_types=TYPES,
)
