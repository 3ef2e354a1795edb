"""Pages: templates rendered, with the headers that keep a browser safe."""

import functools
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cumulo.core.http.operations import Reply
from cumulo.core.panels import Ref, Said, amount
from cumulo.dashboard.locale.languages import words_in

FOLDER = Path(__file__).parents[1] / "templates"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HTML = "text/html; charset=utf-8"
GOOD = frozenset(
    [
        "active",
        "available",
        "in-use",
        "up",
        "enabled",
        "online",
        "complete",
        "ok",
        "approved",
        "accepted",
        "true",
        "applied",
    ]
)
BAD = frozenset(["down", "failed", "killed", "alarm", "rejected", "crashed", "paniced", "false"])
BUSY = frozenset(
    ["build", "reboot", "hard_reboot", "queued", "resize", "verify_resize", "password", "rebuild"]
)


@functools.cache
def _environment() -> Any:
    # Imported when somebody looks: 11 MB that a cloud without a browser does not need.
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["word"] = _word
    made.filters["bytes"] = amount
    made.tests["ref"] = lambda value: isinstance(value, Ref)
    made.tests["said"] = lambda value: isinstance(value, Said)
    made.globals["_"] = words_in("en")
    return made


def _word(value: Any) -> str:
    """A status as a class of the style sheet."""
    text = str(value).lower()
    last = text.rpartition("_")[2]
    if text in GOOD or last == "complete":
        return "good"
    if "error" in text or text in BAD or last == "failed":
        return "bad"
    if text.endswith(("ing", "progress")) or text in BUSY:
        return "busy"
    return "still"


def rendered(name: str, **values: Any) -> str:
    return str(_environment().get_template(name).render(values))


def page(
    name: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Reply:
    text = rendered(name, **values)
    return Reply(status, headers=dict(headers or {}), raw=text.encode(), content_type=HTML)


def redirect(to: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(303, headers={"Location": to, **(headers or {})}, raw=b"")


def same_text(left: str, right: str) -> bool:
    return secrets.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))
