"""Names of what a run makes: by them it is found again, also after a kill.

`s_rally_TTTTTTTT_RRRRRRRR` is made by a scenario, `c_rally_TTTTTTTT_RRRRRRRR` by a context; T is
the task's part, the beginning of its id. Rally's own names have the same form; where underscores
are no good (zones, containers, nodes) there are hyphens.
"""

import re
import secrets

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_SHAPE = re.compile(r"([sc])[_-]rally[_-]([0-9a-zA-Z]{8})[_-][0-9a-zA-Z]{8}")


def task_part(task_uuid: str) -> str:
    return task_uuid.replace("-", "")[:8]


def generate(kind: str, task_uuid: str) -> str:
    """A new name. `kind`: s for scenarios, c for contexts."""
    tail = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"{kind}_rally_{task_part(task_uuid)}_{tail}"


def generate_plain(kind: str, task_uuid: str) -> str:
    """A new name where underscores and capitals are no good: `s-rally-…-…`."""
    return generate(kind, task_uuid).replace("_", "-").lower()


def like(name: str) -> str:
    """Another name of the task that a thing of this one is of."""
    return name[:-8] + "".join(secrets.choice(_LETTERS) for _ in range(8))


def made_by(name: str | None, task_uuid: str | None, kind: str | None = None) -> bool:
    """Whether a thing of that name is a task's; without a task: any task's. `kind`: s or c."""
    found = _SHAPE.match(name or "")
    if found is None or kind not in (None, found.group(1)):
        return False
    return task_uuid is None or found.group(2) == task_part(task_uuid)
