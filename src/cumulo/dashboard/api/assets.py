"""Style, scripts and the console's client, as files of the package."""

import functools
import hashlib
from pathlib import Path

from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation, Reply

FOLDER = Path(__file__).parents[1] / "assets"
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".txt": "text/plain",
    ".svg": "image/svg+xml",
}


@functools.cache
def names() -> frozenset[str]:
    """What there is: only these are looked for on the disk."""
    return frozenset(
        str(path.relative_to(FOLDER))
        for path in FOLDER.rglob("*")
        if path.is_file() and path.suffix in TYPES
    )


@functools.lru_cache(maxsize=128)
def content(name: str) -> tuple[bytes, str]:
    raw = (FOLDER / name).read_bytes()
    return raw, f'"{hashlib.sha256(raw).hexdigest()[:32]}"'


class Assets:
    """`theme`: a file of the operator's own style; empty: none."""

    def __init__(self, theme: str) -> None:
        self._theme = theme

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", "/assets/{name:raw}", asset, public=True, kind="fixed"),
            Operation("GET", "/theme.css", self.theme, public=True, kind="fixed"),
        ]

    def theme(self, call: Call) -> Reply:
        if not self._theme:
            raise NotFound("There is no such file.")
        raw = Path(self._theme).read_bytes()
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Reply(200, headers=headers, raw=raw, content_type="text/css; charset=utf-8")


def asset(call: Call) -> Reply:
    name = call.path["name"]
    if name not in names():
        raise NotFound("There is no such file.")
    raw, tag = content(name)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    if call.header("If-None-Match") == tag:
        return Reply(304, headers=headers, raw=b"")
    kind = TYPES[Path(name).suffix]
    return Reply(200, headers=headers, raw=raw, content_type=f"{kind}; charset=utf-8")
