"""What a run leaves behind: iterations, hooks, contexts, and workloads, tasks, environments."""

from typing import Any

import msgspec


class Action(msgspec.Struct, omit_defaults=False):
    """One timed step of an iteration, with the steps inside it. Times are of the wall clock."""

    name: str
    started_at: float
    finished_at: float = 0.0
    children: list["Action"] = []
    failed: bool = False

    @property
    def duration(self) -> float:
        return self.finished_at - self.started_at


class Iteration(msgspec.Struct):
    """One run of a scenario.

    `duration` is without what the scenario slept on purpose (`idle_duration`). With open-loop
    arrivals it begins when the iteration was due: `delay` of it was spent before it could start.
    """

    timestamp: float
    duration: float
    idle_duration: float = 0.0
    error: list[str] = []
    """Empty, or: the exception's name, its text, its trace."""
    output: dict[str, list[Any]] = {}
    atomic_actions: list[Action] = []
    delay: float = 0.0


class SlaResult(msgspec.Struct):
    criterion: str
    success: bool
    detail: str


class HookResult(msgspec.Struct):
    """One hook with all the times that it was triggered."""

    config: dict[str, Any]
    results: list[dict[str, Any]] = []
    summary: dict[str, int] = {}


class Environment(msgspec.Struct):
    """A cloud to be measured: how to reach it, and as whom."""

    uuid: str
    name: str
    description: str
    spec: dict[str, Any]
    status: str
    created_at: str
    updated_at: str
    extras: dict[str, Any] = {}


FINISHED = ("finished", "aborted")
"""There are results to be shown."""


class WorkloadResult(msgspec.Struct):
    uuid: str
    subtask_uuid: str
    task_uuid: str
    name: str
    description: str
    position: int
    args: dict[str, Any]
    runner_type: str
    runner: dict[str, Any]
    contexts: dict[str, Any]
    sla: dict[str, Any]
    hooks: list[dict[str, Any]]
    """The configuration of each hook."""
    created_at: str
    updated_at: str
    start_time: float | None = None
    """Moment of the first iteration."""
    load_duration: float = 0.0
    """Seconds from the first iteration's start to the last one's end."""
    full_duration: float = 0.0
    """The same with contexts made and removed."""
    pass_sla: bool = False
    """Until its end nothing is kept."""
    sla_results: list[SlaResult] = []
    hooks_results: list[HookResult] = []
    contexts_results: list[dict[str, Any]] = []
    statistics: dict[str, Any] = {}
    cpu: dict[str, float] = {}
    """Seconds of CPU: of the `generator`, and of the `server` where it could be seen."""
    total_iteration_count: int = 0
    failed_iteration_count: int = 0


class SubtaskResult(msgspec.Struct):
    uuid: str
    task_uuid: str
    title: str
    description: str
    status: str
    created_at: str
    updated_at: str
    workloads: list[WorkloadResult] = []


class TaskResult(msgspec.Struct):
    uuid: str
    env_uuid: str
    env_name: str
    title: str
    description: str
    tags: list[str]
    status: str
    created_at: str
    updated_at: str
    pass_sla: bool = True
    """So far; see `passed`."""
    validation_result: dict[str, Any] = {}
    task_duration: float = 0.0
    """Seconds of load, all workloads together."""
    config: dict[str, Any] = {}
    """The whole file, as it was read; what never began has no rows of its own."""
    subtasks: list[SubtaskResult] = []

    @property
    def passed(self) -> bool:
        """It came to its end, and missed nothing."""
        return self.pass_sla and self.status == "finished"


class Note(msgspec.Struct):
    """Something that a task has done in its cloud and that no name tells."""

    kind: str
    """`flavor`, `volume_type`, `image`, `role`, `quota`, `ec2`; `services`: what it used."""
    name: str
    """The thing's; of quotas the service's, of roles the role's id."""
    project: str = ""
    before: dict[str, Any] = {}
    """The quotas' values; the `id` of what was made; the `user` who was given a role; services'
    types in the catalog by ours, empty if it is the usual one."""
    after: dict[str, Any] = {}
    """What the quotas are set to; one of which it says nothing may have been set to anything."""


UNFINISHED = ("init", "validating", "validated", "running", "aborting", "soft_aborting")
