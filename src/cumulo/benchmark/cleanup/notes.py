"""What is not found by a task's name: flavors, volume types and images may bear the task file's
names, quotas of existing projects and roles of existing users have none. It is noted before it is
done, and undone by the note after a kill.
"""

from collections.abc import Iterable

from cumulo.benchmark.cleanup.sweep import WRONG, Report, words_of
from cumulo.benchmark.client.session import NotFound, Session
from cumulo.benchmark.contexts import quotas
from cumulo.benchmark.model.result import Note


async def undo(
    admin: Session | None, note: Note, report: Report, users: Iterable[Session] = ()
) -> None:
    """`users`: existing ones; an image is its project's to remove."""
    if note.kind == "services":
        return
    own = next((u for u in users if _is_own(note, u)), None)
    who = own or admin
    if who is None:
        report.fail(f"{note.kind} {note.name}: no administrator to undo it")
        return
    try:
        if note.kind == "ec2" and not note.name:
            await _doubtful(who, note, report)
            return
        await _undo(who, note)
    except NotFound:
        return
    except WRONG as error:
        report.fail(f"{note.kind} {note.name}: {words_of(error)}")
    else:
        report.deleted += 1


def used_services(notes: Iterable[Note]) -> dict[str, str]:
    """The services that tasks have used, with their types where these are not the usual ones."""
    found: dict[str, str] = {}
    for note in notes:
        if note.kind == "services":
            found |= {k: v for k, v in note.before.items() if v or k not in found}
    return found


def _is_own(note: Note, user: Session) -> bool:
    """Whether that user undoes it: an image is its project's, a key its user's."""
    if note.kind == "ec2":
        return bool(user.user_id == note.before["user"])
    return note.kind == "image" and user.project_id == note.project


async def _doubtful(cloud: Session, note: Note, report: Report) -> None:
    """A credential that was asked for, and nobody saw the answer. What is new since may be the
    user's own: it is told, and not taken away."""
    path = f"/users/{note.before['user']}/credentials/OS-EC2"
    listed = (await cloud.get("identity", path))["credentials"]
    new = {
        each["access"]
        for each in listed
        if each["access"] not in note.before["had"] and each.get("tenant_id") == note.project
    }
    for access in sorted(new - report.told):
        report.told.add(access)
        report.errors.append(
            f"EC2 credential {access} of user {note.before['user']} may be the killed run's, or "
            "the user's own since: it stays"
        )


async def _undo(cloud: Session, note: Note) -> None:
    if note.kind == "quota":
        await quotas.restore(cloud, note.name, note.project, note.before, note.after)
        return
    if note.kind == "ec2":
        path = f"/users/{note.before['user']}/credentials/OS-EC2/{note.name}"
        await cloud.delete("identity", path)
        return
    if note.kind == "role":
        of = f"/projects/{note.project}/users/{note.before['user']}"
        await cloud.delete("identity", f"{of}/roles/{note.name}")
        return
    service, path, collection = {
        "flavor": ("compute", "/flavors", "flavors"),
        "volume_type": ("volume", "/types", "volume_types"),
        "image": ("image", "/images", "images"),
    }[note.kind]
    if "id" in note.before:
        await cloud.delete(service, f"{path}/{note.before['id']}")
        return
    mark = note.before.get("description")
    for item in (await cloud.get(service, path, query={"is_public": "None"}))[collection]:
        # Somebody else may have made one of that name since.
        if mark and item["name"] == note.name and item.get("description") == mark:
            await cloud.delete(service, f"{path}/{item['id']}")
