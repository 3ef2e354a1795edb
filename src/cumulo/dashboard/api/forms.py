"""Forms: fields of a POST, and the proof that the page was ours."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from cumulo.core.faults import BadRequest, Forbidden, TooLarge
from cumulo.core.http.operations import Call
from cumulo.dashboard.api.html import same_text

MOST_BYTES = 256 * 1024
MOST_FIELDS = 100


async def form_of(call: Call) -> dict[str, str]:
    """Raises BadRequest, TooLarge."""
    raw = bytearray()
    assert call.stream is not None
    async for piece in call.stream:
        raw += piece
        if len(raw) > MOST_BYTES:
            raise TooLarge("The form is too large.")
    try:
        text = raw.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadRequest("The form cannot be read.") from None
    return dict(pairs)


def check_csrf(form: Mapping[str, str], wanted: str, call: Call) -> None:
    """Raises Forbidden for a form of another site."""
    given = form.get("csrf") or form.get("csrfmiddlewaretoken") or call.header("X-CSRFToken") or ""
    if not wanted or not same_text(given, wanted):
        raise Forbidden("This form is not from a page of this dashboard, or is too old.")


def cookies_of(call: Call) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (call.header("Cookie") or "")[:8192].split(";"):
        name, equals, value = part.strip().partition("=")
        if equals and name not in found:
            found[name] = value
    return found


def cookie(name: str, value: str, path: str, *, secure: bool, seconds: int | None = None) -> str:
    made = f"{name}={value}; Path={path}; HttpOnly; SameSite=Lax"
    if secure:
        made += "; Secure"
    return made if seconds is None else f"{made}; Max-Age={seconds}"
