"""What a BMC's answers may cause: requests to that BMC, and bodies of a bounded size.

sushy follows every link that an answer has; a link may name any host. So the session's adapter,
through which each request goes (redirects too), knows one scheme, host and port.
"""

import time
from typing import Any
from urllib.parse import SplitResult, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

PIECE = 64 * 1024
SECONDS = 120.0
"""For one answer, however slowly it comes."""


class Elsewhere(Exception):
    """An answer led away from the BMC, or is larger than any answer."""


def _place(parts: SplitResult) -> tuple[str, str, int]:
    usual = {"http": 80, "https": 443}.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or usual


class _Confined(HTTPAdapter):
    def __init__(self, address: str, most: int) -> None:
        super().__init__(max_retries=0)
        self._home = _place(urlsplit(address))
        self._most = most

    def send(self, request: PreparedRequest, *args: Any, **named: Any) -> Response:
        try:
            there = _place(urlsplit(request.url or ""))
        except ValueError:
            raise Elsewhere("it links to what is no URL") from None
        if there != self._home:
            raise Elsewhere(f"it links to another place, {str(request.url)[:200]}")
        named["stream"] = True
        answer = super().send(request, *args, **named)
        end, found = time.monotonic() + SECONDS, bytearray()
        for piece in answer.iter_content(PIECE):
            found += piece
            if len(found) > self._most:
                answer.close()
                raise Elsewhere(f"an answer has more than {self._most} bytes")
            if time.monotonic() > end:
                answer.close()
                raise Elsewhere(f"an answer takes more than {SECONDS:g} seconds")
        answer._content = bytes(found)
        return answer


def confine(connector: Any, address: str, most: int) -> None:
    """All that this connector of sushy's asks goes to this address."""
    session = connector._session
    session.trust_env = False
    for prefix in ("http://", "https://"):
        session.mount(prefix, _Confined(address, most))
