"""What is not found by a task's name: flavors and volume types bear the task file's names, quotas
of existing projects have none. It is noted before it is done, and undone by the note after a kill.
"""

from cumulo.benchmark.cleanup.sweep import Report
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import ApiError, NotFound, Session
from cumulo.benchmark.contexts import quotas
from cumulo.benchmark.model.result import Note


async def undo(admin: Session | None, note: Note, report: Report) -> None:
    if admin is None:
        report.fail(f"{note.kind} {note.name}: no administrator to undo it")
        return
    try:
        await _undo(admin, note)
    except NotFound:
        return
    except (ApiError, HttpError) as error:
        report.fail(f"{note.kind} {note.name}: {error}")
    else:
        report.deleted += 1


async def _undo(admin: Session, note: Note) -> None:
    if note.kind == "quota":
        await quotas.update(admin, note.name, note.project, note.before)
        return
    service, path, collection = {
        "flavor": ("compute", "/flavors", "flavors"),
        "volume_type": ("volume", "/types", "volume_types"),
    }[note.kind]
    for item in (await admin.get(service, path, query={"is_public": "None"}))[collection]:
        if item["name"] == note.name:
            await admin.delete(service, f"{path}/{item['id']}")
