"""What of a file's arguments no report shows: reports are sent round, and CI keeps what is said.

Results keep it, for a task can be run again; who reads their file can read clouds.yaml, too.
"""

import re
from typing import Any

HIDDEN = "***"
_NAMED = (
    r"(?:[\w-]*[_-])?(?:password|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key"
    r"|secret[_-]?key|access[_-]?key|authorization|cookies?|auth)|admin_?pass|[a-z]+(?:Password|Secret|Token)"
)
_NAME = re.compile(rf"{_NAMED}", re.IGNORECASE)
# `https://user:password@host/`
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_LINE = re.compile(
    rf"""^(\s*(?:-\s+)?["']?(?:{_NAMED})["']?\s*:\s*)(?![\s{{[]|$).*$""",
    re.IGNORECASE | re.MULTILINE,
)
SHORTEST = 4
"""A shorter value is too often a word of something else, too."""


def masked(value: Any, *, inside: bool = False) -> Any:
    """The same without what is secret by its name: `inside` of such a name all is."""
    if isinstance(value, dict):
        return {k: masked(v, inside=inside or _is_secret(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [masked(v, inside=inside) for v in value]
    if inside and not isinstance(value, bool | None):
        return HIDDEN
    return _IN_URL.sub(rf"\1{HIDDEN}@", value) if isinstance(value, str) else value


def masked_text(text: str, document: Any = None) -> str:
    """A file's text: by the names in its lines, and by the secrets of what it was read as."""
    text = _IN_URL.sub(rf"\1{HIDDEN}@", _LINE.sub(rf"\1{HIDDEN}", text))
    for secret in sorted(_secrets(document, False), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _secrets(value: Any, inside: bool) -> set[str]:
    if isinstance(value, dict):
        parts = [_secrets(v, inside or _is_secret(k)) for k, v in value.items()]
        return set().union(*parts)
    if isinstance(value, list | tuple):
        return set().union(*(_secrets(v, inside) for v in value))
    found = str(value) if inside and not isinstance(value, bool | None) else ""
    return {found} if len(found) >= SHORTEST else set()
