"""Scenarios of alarms."""

from typing import Any

from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import scenario

Found = dict[str, Any]

_OWN: Any = {"services": ("aodh",), "cleanup": ("aodh",)}


async def _create(run: Run, type: str, more: Found) -> Found:
    """An alarm; without a rule: one of events, which needs nothing else to be there."""
    with run.action("aodh.create_alarm"):
        body: Found = {"name": run.name(), "type": type, **more}
        if f"{type}_rule" not in body:
            body[f"{type}_rule"] = {"event_type": "compute.instance.*"} if type == "event" else {}
        made: Found = await run.cloud.post("alarming", "/alarms", body)
        return made


async def _list(run: Run) -> list[Found]:
    with run.action("aodh.list_alarms"):
        found: list[Found] = await run.cloud.get("alarming", "/alarms")
        return found


@scenario("AodhAlarms.list_alarms", services=("aodh",))
async def list_alarms(run: Run) -> None:
    """List alarms"""
    await _list(run)


@scenario("AodhAlarms.create_alarm", **_OWN)
async def create_alarm(run: Run, type: str = "event", **kwargs: Any) -> None:
    """Create an alarm"""
    await _create(run, type, kwargs)


@scenario("AodhAlarms.create_and_list_alarm", **_OWN)
async def create_and_list_alarm(run: Run, type: str = "event", **kwargs: Any) -> None:
    """Create an alarm and find it in the list of all"""
    made = await _create(run, type, kwargs)
    listed = await _list(run)
    run.check(
        any(a["alarm_id"] == made["alarm_id"] for a in listed), "the alarm is not in the list"
    )


@scenario("AodhAlarms.create_and_get_alarm", **_OWN)
async def create_and_get_alarm(run: Run, type: str = "event", **kwargs: Any) -> None:
    """Create an alarm and show it"""
    made = await _create(run, type, kwargs)
    with run.action("aodh.get_alarm"):
        await run.cloud.get("alarming", f"/alarms/{made['alarm_id']}")


@scenario("AodhAlarms.create_and_update_alarm", **_OWN)
async def create_and_update_alarm(run: Run, type: str = "event", **kwargs: Any) -> None:
    """Create an alarm and change its state"""
    made = await _create(run, type, kwargs)
    with run.action("aodh.set_alarm_state"):
        path = f"/alarms/{made['alarm_id']}/state"
        await run.cloud.put("alarming", path, "ok")


@scenario("AodhAlarms.create_and_delete_alarm", **_OWN)
async def create_and_delete_alarm(run: Run, type: str = "event", **kwargs: Any) -> None:
    """Create an alarm and delete it"""
    made = await _create(run, type, kwargs)
    with run.action("aodh.delete_alarm"):
        await run.cloud.delete("alarming", f"/alarms/{made['alarm_id']}")


@scenario("AodhAlarms.create_alarm_and_get_history", **_OWN)
async def create_alarm_and_get_history(run: Run, type: str = "event", **kwargs: Any) -> None:
    """Create an alarm and list what happened to it"""
    made = await _create(run, type, kwargs)
    with run.action("aodh.get_alarm_history"):
        await run.cloud.get("alarming", f"/alarms/{made['alarm_id']}/history")
