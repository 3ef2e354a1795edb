"""What a cloud's process tells of itself at `/metrics` and `/healthz`."""

from collections.abc import Sequence

from cumulo.core.db.transaction import Tx
from cumulo.core.events.consumers import state_of_consumers
from cumulo.core.hosts.registry import HostRegistry, is_alive
from cumulo.core.http import execution, feeds, sockets
from cumulo.core.http.health import Health
from cumulo.core.http.load import Load
from cumulo.core.metrics.metrics import Metrics
from cumulo.core.metrics.process import watch_process
from cumulo.core.nodes.nodes import Nodes
from cumulo.core.work.reconciler import ReconcilerLoop

MOST_AHEAD_SECONDS = 5.0
STUCK_PASSES = 20
"""A reconciler that has not come round for so many of its sweeps is stuck."""


def watch_load(metrics: Metrics, load: Load) -> None:
    watch_process(metrics)
    metrics.gauge("cumulo_requests_at_work", "Requests at work.", lambda: [((), load.present)])
    metrics.gauge("cumulo_loop_lag_seconds", "How late the loop is.", lambda: [((), load.lag)])
    metrics.gauge(
        "cumulo_overloaded", "1 while buckets of requests bite.", lambda: [((), load.overloaded)]
    )
    metrics.gauge(
        "cumulo_refused_total",
        "Requests refused since there was too much to do.",
        lambda: [((), load.refused)],
        kind="counter",
    )
    metrics.gauge(
        "cumulo_long_lived",
        "Feeds, sockets and long reads at work.",
        lambda: [((c.what,), len(c)) for c in (feeds.FEEDS, sockets.SOCKETS, execution.HEAVY)],
        "what",
    )


def watch_reconcilers(
    metrics: Metrics, health: Health, reconcilers: Sequence[ReconcilerLoop]
) -> None:
    metrics.gauge(
        "cumulo_reconcile_due",
        "Rows that were due at the last pass, 100 at the most.",
        lambda: [((each.reconciler.name,), each.due) for each in reconcilers],
        "reconciler",
    )
    metrics.gauge(
        "cumulo_reconcile_failing",
        "Rows whose last step failed.",
        lambda: [((each.reconciler.name,), each.failing) for each in reconcilers],
        "reconciler",
    )
    metrics.gauge(
        "cumulo_reconcile_age_seconds",
        "Time since the last pass ended.",
        lambda: [((each.reconciler.name,), each.age) for each in reconcilers],
        "reconciler",
    )

    def stuck(tx: Tx) -> list[str]:
        return [
            f"{each.reconciler.name}: no pass for {each.age:.0f} seconds"
            for each in reconcilers
            if each.mine() and each.age > STUCK_PASSES * each.sweep
        ]

    health.checks.append(stuck)


def watch_clocks(health: Health, nodes: Nodes) -> None:
    """The clocks of control nodes must agree: hosts and name servers live by what one node wrote
    down and another one reads."""

    def wrong(tx: Tx) -> list[str]:
        return [
            f"the clock of the control node {row.name} is {abs(row.ahead):.0f} s "
            f"{'ahead of' if row.ahead > 0 else 'behind'} the database's"
            for row, alive in nodes.all(tx)
            if alive and abs(row.ahead) > MOST_AHEAD_SECONDS
        ]

    if nodes.grown:
        health.checks.append(wrong)


def watch_hosts(health: Health, registry: HostRegistry) -> None:
    def silent(tx: Tx) -> list[str]:
        count = sum(1 for host in registry.all(tx) if not is_alive(host, tx.now))
        return [f"silent hosts: {count}"] if count else []

    def failing(tx: Tx) -> list[str]:
        return [f"{each['name']}: fails" for each in state_of_consumers(tx) if each["fault"]]

    health.checks += [silent, failing]
