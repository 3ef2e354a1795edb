"""What users of metrics and alarms do in a simulated world; what must be true of them at rest."""

from collections.abc import Iterable

from cumulo.core.db.transaction import Tx
from cumulo.core.sim.player import AtRest, Invariant, Player, Verb
from cumulo.telemetry.queries.alarm import CALLS

METRICS, ALARMS = "/metric/v1/metric", "/alarming/v2/alarms"


async def create_metric(player: Player) -> None:
    wish = {"name": player.name(), "archive_policy_name": "low"}
    await player.make("metric", METRICS, wish)


async def delete_metric(player: Player) -> None:
    await player.remove(player.any_of("metric"))


async def create_alarm(player: Player) -> None:
    rule = {
        "metrics": [player.id_of("metric")],
        "aggregation_method": "mean",
        "granularity": 300,
        "threshold": player.chance.randrange(10),
    }
    kind = "gnocchi_aggregation_by_metrics_threshold"
    wish = {"name": player.name(), "type": kind, f"{kind}_rule": rule}
    made = await player.done("POST", ALARMS, wish)
    player.ledger.made("alarm", f"{ALARMS}/{made['alarm_id']}", by="demo")


async def delete_alarm(player: Player) -> None:
    await player.remove(player.any_of("alarm"))


def actions_were_called(tx: Tx, rest: AtRest) -> Iterable[str]:
    """None waits for ever."""
    for call, _ in tx.tuples(CALLS, now=tx.now, most=10, but=[""]):
        yield f"the action {call} of an alarm is not called"


VERBS = [
    Verb("create metric", create_metric),
    Verb("delete metric", delete_metric),
    Verb("create alarm", create_alarm),
    Verb("delete alarm", delete_alarm),
]
INVARIANTS: list[Invariant] = [actions_were_called]
