"""Why a stack has failed, as Heat words it: `Resource CREATE failed: NotFound:
resources.a.resources.b: There is no such image.` The path leads to the resource that failed,
through the stacks inside.
"""

import re

from cumulo.core.faults import Fault, QuotaExceeded

_INSIDE = re.compile(r"Resource \w+ failed: (?:(\w+): )?(resources\.[^:]+): (.*)", re.DOTALL)
_WORD = re.compile(r"([A-Z][a-z]\w+): (.*)", re.DOTALL)
"""What some reasons begin with: the name of what went wrong."""


def failure(action: str, resource: str, reason: str) -> str:
    """Of a stack, from that of its resource, which may be that of a stack inside it."""
    inside, path, word = _INSIDE.match(reason), f"resources.{resource}", None
    if inside is not None:
        word, below, reason = inside.groups()
        path = f"{path}.{below}"
    elif (named := _WORD.match(reason)) is not None:
        word, reason = named.groups()
    said = f"{word}: {path}: {reason}" if word else f"{path}: {reason}"
    return f"Resource {action} failed: {said}"


def worded(problem: Exception, said: str) -> str:
    """The reason of a resource, with the word that clients of Heat know a refusal by."""
    if _WORD.match(said) or _INSIDE.match(said) or not isinstance(problem, Fault):
        return said
    word = "OverLimit" if isinstance(problem, QuotaExceeded) else type(problem).__name__
    return said if word == "Fault" else f"{word}: {said}"
