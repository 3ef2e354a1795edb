"""How the dashboard words a refusal: a page."""

from cumulo.core.faults import Fault
from cumulo.dashboard.api.html import HTML, rendered


def envelope(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    text = rendered(
        "fault.html",
        status=status,
        title=fault.title,
        message=fault.message,
        request_id=request_id,
    )
    return HTML, text.encode()
