"""`/healthz` and `/metrics`: is it well, and what does it do.

`GET /healthz`, for anybody: 200 and `ok`, 200 and `degraded` with what is wrong, or 503 with `down`
or `draining`: a balancer shall ask somebody else. `GET /metrics`: Prometheus text, for whoever asks
from this machine itself or with an administrator's token.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

import msgspec

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import last_position
from cumulo.core.faults import Forbidden, Unauthorized
from cumulo.core.http import faults
from cumulo.core.http.load import Load
from cumulo.core.http.operations import Authentication, Call, Face, Operation, Reply
from cumulo.core.http.responses import Octets
from cumulo.core.metrics.metrics import Metrics

DATABASE_SECONDS = 3.0
KEPT_SECONDS = 1.0
"""An answer is good for so long: anybody may ask."""
LATE_SECONDS = 2.0
"""A loop that is later than this is worth a word."""

Check = Callable[[Tx], Sequence[str]]
"""What is wrong, in words for anybody."""


class HealthAnswer(msgspec.Struct, kw_only=True):
    status: str
    problems: list[str]


class Health:
    def __init__(self, database: Database, load: Load, metrics: Metrics) -> None:
        self.draining = False
        """No new work, please: this process is about to end."""
        self.checks: list[Check] = []
        self._database = database
        self._load = load
        self._metrics = metrics
        self._known: tuple[float, HealthAnswer] | None = None

    def face(self) -> Face:
        return Face(
            name="health",
            mount="",
            faults=faults.identity,
            rules=Rules({"cumulo:metrics": "role:admin"}),
            authentication=Authentication(anonymous=True),
            operations=[
                Operation(
                    "GET",
                    "/healthz",
                    self.healthz,
                    public=True,
                    kind="stream",
                    response=HealthAnswer,
                ),
                Operation("GET", "/metrics", self.metrics, response=Octets),
            ],
        )

    async def healthz(self, call: Call) -> Reply:
        now = time.monotonic()
        if self._known is None or now - self._known[0] > KEPT_SECONDS:
            self._known = now, await self._look()
        answer = self._known[1]
        if self.draining:
            answer = HealthAnswer(status="draining", problems=[])
        status = 200 if answer.status in ("ok", "degraded") else 503
        return Reply(status, answer, {"Cache-Control": "no-store"})

    async def _look(self) -> HealthAnswer:
        def read(tx: Tx) -> list[str]:
            last_position(tx)
            return [problem for check in self.checks for problem in check(tx)]

        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                problems = await self._database.read(read)
        except Exception:  # told by the database itself
            return HealthAnswer(status="down", problems=["the database does not answer"])
        if self._load.lag > LATE_SECONDS:
            problems.append("the event loop is late")
        if self._load.overloaded:
            problems.append("overloaded")
        return HealthAnswer(status="degraded" if problems else "ok", problems=problems)

    def metrics(self, call: Call, tx: Tx) -> Any:
        who = call.maybe_principal
        if who is None and not _is_local(call):
            raise Unauthorized("Metrics are for this machine itself, or for administrators.")
        if who is not None and not call.allowed("cumulo:metrics"):
            raise Forbidden("Metrics are for administrators.")
        text = self._metrics.text().encode()
        return Reply(raw=text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _is_local(call: Call) -> bool:
    """From this machine, and not through a web server on it that speaks for others."""
    if any(call.header(name) for name in ("X-Forwarded-For", "Forwarded", "Via")):
        return False
    try:
        return ip_address(call.address).is_loopback
    except ValueError:
        return False
