"""Tasks: validated, run one workload after the other, kept, aborted, compared.

Whoever runs a task holds its lock (see `owners`). A task that is unfinished and whose process is
gone was killed: the next run in the same environment first takes away what it left.
"""

import asyncio
import contextlib
import copy
import traceback
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cumulo.benchmark import registry, validation
from cumulo.benchmark.cleanup.sweep import Report
from cumulo.benchmark.client.clouds import credentials_of, http_of, platform_of
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.engine.statistics import Statistics
from cumulo.benchmark.engine.workload import Execution, Means, Outcome
from cumulo.benchmark.model.result import (
    UNFINISHED,
    Environment,
    SubtaskResult,
    TaskResult,
    WorkloadResult,
)
from cumulo.benchmark.model.task import TaskConfig, Workload, to_document
from cumulo.benchmark.moments import now
from cumulo.benchmark.queries.store import NoSuch, Store
from cumulo.benchmark.service import environments
from cumulo.benchmark.service.noting import Notes, undoable
from cumulo.benchmark.service.owners import alive, hold, release
from cumulo.benchmark.service.writing import Writer
from cumulo.core.ids import new_id

CHOSEN = "task"
LOADED = ("running", "aborting", "soft_aborting")
"""What a task may be in while something of it is in its cloud."""
ABORT_POLL = 0.5
ABORT_WAIT = 600.0


class NotReady(Exception):
    """The environment cannot be used; the text says why."""


class Refused(Exception):
    """The task is not in a state for this."""


@dataclass
class Watcher:
    """What whoever looks on is told."""

    workload: Callable[[Workload, int, int], None] = lambda workload, number, of: None
    progress: Callable[[Workload, Statistics], None] = lambda workload, statistics: None
    done: Callable[[WorkloadResult], None] = lambda result: None
    say: Callable[[str], None] = lambda words: None


@dataclass
class Running:
    """A task in work in this process."""

    store: Store
    env: Environment
    means: Means
    watcher: Watcher
    current: Execution | None = None
    stopped: bool = False
    tasks: list["asyncio.Task[Any]"] = field(default_factory=list)
    ahead: "asyncio.Future[Any] | None" = None
    """What is taken away before the first workload."""

    def done(self) -> bool:
        """Whether no further workload may begin."""
        return self.stopped

    def stop(self) -> None:
        """End softly: what runs ends, contexts are taken away, nothing further begins."""
        self.stopped = True
        if self.ahead is not None:
            self.ahead.cancel()
        if self.current is not None:
            self.current.stop()

    def kill(self) -> None:
        """End what runs in its middle; contexts are still taken away."""
        self.stop()
        for task in self.tasks:
            task.cancel()

    def give_up(self) -> None:
        """Do not even take away what contexts have made: a later run does that."""
        self.kill()
        if self.current is not None:
            self.current.give_up()


def create(
    store: Store, env: Environment, config: TaskConfig, tags: list[str] | None = None
) -> TaskResult:
    moment = now()
    task = TaskResult(
        uuid=new_id(),
        env_uuid=env.uuid,
        env_name=env.name,
        title=config.title,
        description=config.description,
        tags=[*config.tags, *(tags or ())],
        status="init",
        created_at=moment,
        updated_at=moment,
        config=to_document(config),
    )
    hold(store, task.uuid)
    store.put_task(task)
    return task


ASKED = ("aborting", "soft_aborting")
"""What `task abort` writes: nobody writes over it but who ends the task."""


def _set(store: Store, task: TaskResult, status: str, *, unless: tuple[str, ...] = ()) -> None:
    """Raises NoSuch when the task was deleted meanwhile."""
    task.status = status
    task.updated_at = now()
    store.update_task(task, unless=unless)
    if status not in UNFINISHED:
        release(store, task.uuid)


async def validate(env: Environment, config: TaskConfig) -> None:
    """Raises InvalidTaskConfig, or NotReady if the cloud cannot be asked."""
    validation.check_syntax(config)
    platform = platform_of(env.spec)
    needed = [
        w
        for subtask in config.subtasks
        for w in subtask.workloads
        if registry.find(w.name).platform
    ]
    if not needed:
        return
    if not platform:
        raise validation.InvalidTaskConfig(
            needed[0], ["There is no specification for openstack platform in the environment."]
        )
    _check_platform(needed, platform)
    for found in (await environments.check(env)).values():
        if not found["available"]:
            raise NotReady(
                "One or several platforms are not available: existing@openstack. "
                + found["message"]
            )
    http = http_of(platform)
    try:
        user = platform.get("admin") or platform["users"][0]
        cloud = Session(http, credentials_of(platform, user))
        await validation.check_semantics(config, cloud, has_users=bool(platform.get("users")))
    finally:
        http.close()


def _check_platform(workloads: list[Workload], platform: Mapping[str, Any]) -> None:
    for workload in workloads:
        scenario = registry.find(workload.name)
        if scenario.admin and not platform.get("admin"):
            raise validation.InvalidTaskConfig(workload, ["No admin credentials for openstack"])
        if not platform.get("users") and not platform.get("admin"):
            raise validation.InvalidTaskConfig(workload, ["No user credentials for openstack"])
        users = workload.contexts.get("users", workload.contexts.get("users@openstack"))
        if not platform.get("admin") and set(users or {}) - {"user_choice_method"}:
            raise validation.InvalidTaskConfig(
                workload, ["No admin credentials for openstack: users cannot be made"]
            )


async def check_and_mark(
    store: Store, env: Environment, task: TaskResult, config: TaskConfig
) -> None:
    """Validate a kept task; what is wrong is kept with it, and raised."""
    _set(store, task, "validating", unless=ASKED)
    try:
        await validate(env, config)
    except (asyncio.CancelledError, Exception) as error:
        task.validation_result = {
            "etype": type(error).__name__,
            "msg": str(error),
            "trace": traceback.format_exc()[-4000:],
        }
        _set(store, task, "validation_failed")
        raise
    _set(store, task, "validated", unless=ASKED)


async def leftovers(store: Store, env: Environment, say: Callable[[str], None]) -> list[str]:
    """Take away what tasks of this environment have left: those that were killed, and those whose
    cloud did not let them. What of it stays, in words."""
    for task in killed(store, env):
        say(f"task {task.uuid} was killed: taking away what it left")
    _mark_killed(store, env)
    stays = []
    for uuid in store.remaining(env.uuid):
        if alive(store, uuid):
            continue
        report = await environments.cleanup(env, uuid, undoable(store, uuid), say)
        say(f"  task {uuid}: {report.deleted} things deleted, {report.failed} failed")
        for words in report.errors[:5]:
            say(f"  {words}")
        stays += report.errors if report.failed else []
        store.set_remains(uuid, bool(report.failed))
        if not report.failed:
            store.clear_notes(uuid)
    return stays


def killed(store: Store, env: Environment) -> list[TaskResult]:
    """Tasks whose process is gone before their end."""
    return [
        task
        for status in UNFINISHED
        for task in store.tasks(env.uuid, status)
        if not alive(store, task.uuid)
    ]


def _mark_killed(store: Store, env: Environment) -> None:
    """Nobody else says of them that they are over, and that something of theirs is there."""
    for task in killed(store, env):
        _set(store, task, "crashed")
        store.set_remains(task.uuid, True)


async def clean(
    store: Store, env: Environment, say: Callable[[str], None] = lambda words: None
) -> Report:
    """Take away all that bears the name of any task of anybody, and undo what tasks of this
    environment have noted."""
    _mark_killed(store, env)
    gone = [uuid for uuid in store.noted(env.uuid) if not alive(store, uuid)]
    report = await environments.cleanup(
        env, None, [n for uuid in gone for n in undoable(store, uuid)], say
    )
    if not report.failed:
        for uuid in gone:
            store.clear_notes(uuid)
        for uuid in store.remaining(env.uuid):
            store.set_remains(uuid, False)
    return report


def _remember(
    running: Running, result: WorkloadResult, notes: list[int], *, interrupted: bool
) -> None:
    """What could not be taken away is the next run's to take; so is what a cloud may have made
    for a request whose answer nobody has seen."""
    failed = [c["plugin_name"] for c in result.contexts_results if c["cleanup"]["error"]]
    unsure = interrupted or any(c["setup"]["error"] for c in result.contexts_results)
    if not failed:
        running.store.forget_notes(result.task_uuid, notes)
    if failed or unsure:
        running.store.set_remains(result.task_uuid, True)
    if failed:
        running.watcher.say(
            f"  not all could be taken away ({', '.join(failed)}): the next `task start` tries "
            "again, or now: rally env cleanup"
        )


async def start(running: Running, task: TaskResult, config: TaskConfig) -> TaskResult:
    """Run a validated task to its end. Returns it with all results."""
    store = running.store
    poll = asyncio.create_task(_listen(running, task))
    total = sum(len(s.workloads) for s in config.subtasks)
    number = 0
    try:
        await _first(running, leftovers(store, running.env, running.watcher.say))
        _set(store, task, "running", unless=ASKED)
        for place, subtask in enumerate(config.subtasks):
            if running.done():
                break
            moment = now()
            kept = SubtaskResult(
                uuid=new_id(),
                task_uuid=task.uuid,
                title=subtask.title,
                description=subtask.description,
                status="running",
                created_at=moment,
                updated_at=moment,
            )
            store.put_subtask(kept, place)
            for workload in subtask.workloads:
                if running.done():
                    break
                number += 1
                running.watcher.workload(workload, number, total)
                result = await _run_workload(running, task, kept, workload, number)
                if running.means.abort_on_sla and not result.pass_sla:
                    running.stopped = True
                kept.workloads.append(result)
                task.pass_sla = task.pass_sla and result.pass_sla
                task.task_duration += result.load_duration
                running.watcher.done(result)
            kept.status = "aborted" if running.stopped else "finished"
            kept.updated_at = now()
            store.put_subtask(kept, place)
    except NoSuch:
        running.watcher.say(f"task {task.uuid} was deleted")
        raise
    except BaseException:
        with contextlib.suppress(NoSuch):
            _set(store, task, "crashed")
        raise
    finally:
        poll.cancel()
    _set(store, task, "aborted" if running.stopped else "finished")
    return store.task(task.uuid)


async def _first(running: Running, work: Coroutine[Any, Any, object]) -> None:
    """Before the first workload. Whoever ends the run ends it, too; the next one goes on."""
    ahead = asyncio.ensure_future(work)
    running.ahead = ahead
    try:
        await ahead
    except asyncio.CancelledError:
        if not running.stopped:
            raise
        running.watcher.say("not all was taken away: the next `task start` goes on with it")
    finally:
        running.ahead = None


async def _listen(running: Running, task: TaskResult) -> None:
    """`task abort` in another process writes into the task's row."""
    while True:
        try:
            status = running.store.status(task.uuid)
        except NoSuch:
            running.kill()
            return
        except Exception as error:  # locked for long: it is looked at again
            running.watcher.say(f"the task's row cannot be read: {error}")
            await asyncio.sleep(ABORT_POLL)
            continue
        if status == "soft_aborting":
            running.stopped = True
        elif status == "aborting":
            running.stop()
        await asyncio.sleep(ABORT_POLL)


async def _run_workload(
    running: Running, task: TaskResult, subtask: SubtaskResult, workload: Workload, number: int
) -> WorkloadResult:
    store = running.store
    moment = now()
    result = WorkloadResult(
        uuid=new_id(),
        subtask_uuid=subtask.uuid,
        task_uuid=task.uuid,
        name=workload.name,
        description=workload.description or registry.find(workload.name).title,
        position=workload.position,
        args=workload.args,
        runner_type=workload.runner_type,
        runner=workload.runner,
        contexts=workload.contexts,
        sla=workload.sla,
        hooks=[msgspec.to_builtins(hook) for hook in workload.hooks],
        created_at=moment,
        updated_at=moment,
    )
    store.put_workload(result, number)
    means = copy.copy(running.means)
    notes = means.notes = Notes(store, task.uuid)
    writer = Writer(store.path, result.uuid)
    means.save = writer.save
    means.progress = lambda statistics: running.watcher.progress(workload, statistics)
    execution = Execution(workload, task.uuid, running.env.spec, means)
    running.current = execution
    work = asyncio.ensure_future(execution.run())
    running.tasks.append(work)
    try:
        outcome = await work
        _fill(result, outcome)
        await writer.end()
    except BaseException:
        # Whatever it is: nobody has said that all is gone.
        store.set_remains(task.uuid, True)
        raise
    finally:
        running.current = None
        running.tasks.remove(work)
    store.put_workload(result, number)
    _remember(running, result, notes.made, interrupted=outcome.interrupted)
    return result


def _fill(result: WorkloadResult, outcome: Outcome) -> None:
    figures = outcome.statistics
    result.updated_at = now()
    result.start_time = figures.first if figures.iterations else None
    result.load_duration = figures.load_duration
    result.full_duration = outcome.full_duration
    result.sla_results = outcome.checker.results()
    result.pass_sla = all(r.success for r in result.sla_results)
    result.hooks_results = outcome.hooks
    result.contexts_results = outcome.contexts
    result.statistics = figures.document()
    result.total_iteration_count = figures.iterations
    result.failed_iteration_count = figures.failed
    result.cpu = {"generator": outcome.generator_cpu}
    if outcome.server_cpu is not None:
        result.cpu["server"] = outcome.server_cpu


async def abort(store: Store, uuid: str, *, soft: bool) -> None:
    """Ask whoever runs a task to end it, and wait until it has. Raises Refused."""
    task = store.task(uuid)
    if task.status not in UNFINISHED:
        raise Refused(f"Failed to abort task '{uuid}', since it already finished.")
    if not alive(store, uuid):
        raise Refused(
            f"The process of task '{uuid}' is gone. What it left is taken away by the next "
            "`task start`, or now: rally env cleanup"
        )
    store.ask(uuid, "soft_aborting" if soft else "aborting")
    for _ in range(int(ABORT_WAIT / 0.2)):
        await asyncio.sleep(0.2)
        if store.status(uuid) not in UNFINISHED:
            return
    raise Refused(f"task '{uuid}' does not end")


def delete(store: Store, uuid: str, *, force: bool) -> None:
    """Forget a task and its results. Raises Refused, NoSuch."""
    status = store.status(uuid)
    runs = status in UNFINISHED and alive(store, uuid)
    if runs and not force:
        raise Refused(
            f"Task `{uuid}` in `{status}` status. It cannot be deleted until it is finished."
        )
    if not force and (status in LOADED or store.has_left(uuid)):
        raise Refused(
            f"Task `{uuid}` has left something in its cloud, which nobody would find any more. The "
            "next `task start` takes it away, or now: rally env destroy, or rally env cleanup."
        )
    store.delete_task(uuid)
