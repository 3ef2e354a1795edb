"""Results, wherever they are: of the database, or of files that were written by a report."""

from pathlib import Path

import msgspec

from cumulo.benchmark.engine.statistics import Statistics
from cumulo.benchmark.model.result import Environment, Iteration, WorkloadResult
from cumulo.benchmark.queries.store import Store
from cumulo.benchmark.report import Results, read_file
from cumulo.core.ids import new_id


def is_file(named: str) -> bool:
    """Whether it names a file; what cannot be a path does not."""
    try:
        return Path(named).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def results(kept: Store, named: str) -> list[Results]:
    """A task of the database by its id, or the tasks of a file. Raises NoSuch, Unreadable."""
    if is_file(named):
        return read_file(Path(named).expanduser())
    task = kept.task(named)
    for subtask in task.subtasks:
        for workload in subtask.workloads:
            if not workload.statistics:
                _count(kept, workload)
    return [Results(task, kept.iterations)]


def _count(kept: Store, workload: WorkloadResult) -> None:
    """The figures of a workload that runs, or that was killed: so far."""
    figures = Statistics()
    for iteration in kept.iterations(workload.uuid):
        figures.add(iteration)
    workload.start_time = figures.first if figures.iterations else None
    workload.load_duration = figures.load_duration
    workload.statistics = figures.document()
    workload.total_iteration_count = figures.iterations
    workload.failed_iteration_count = figures.failed


def keep(kept: Store, env: Environment, path: Path, tags: list[str]) -> list[str]:
    """Take results of a file into the database; the new tasks' ids."""
    found = []
    for each in read_file(path):
        task = msgspec.structs.replace(
            each.task,
            uuid=new_id(),
            env_uuid=env.uuid,
            env_name=env.name,
            tags=[*each.task.tags, *tags],
            task_duration=sum(w.load_duration for s in each.task.subtasks for w in s.workloads),
        )
        kept.put_task(task)
        number = 0
        for place, subtask in enumerate(each.task.subtasks):
            copy = msgspec.structs.replace(subtask, uuid=new_id(), task_uuid=task.uuid)
            kept.put_subtask(copy, place)
            for workload in subtask.workloads:
                number += 1
                new = msgspec.structs.replace(
                    workload, uuid=new_id(), subtask_uuid=copy.uuid, task_uuid=task.uuid
                )
                kept.put_workload(new, number)
                chunk: list[Iteration] = []
                for iteration in each.read(workload.uuid):
                    chunk.append(iteration)
                    if len(chunk) == 1000:
                        kept.add_iterations(new.uuid, chunk)
                        chunk = []
                if chunk:
                    kept.add_iterations(new.uuid, chunk)
        found.append(task.uuid)
    return found
