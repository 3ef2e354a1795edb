"""The bare metal API's side: lookup and heartbeat."""

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any

VERSION = "1.68"
"""The API's microversion that the agent speaks."""
SECONDS = 30.0
MOST = 1024 * 1024


class CallFailed(Exception):
    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Api:
    def __init__(self, url: str, trust: ssl.SSLContext | None) -> None:
        self._url = url.rstrip("/")
        self._trust = trust

    def lookup(self, addresses: Sequence[str], node: str | None) -> dict[str, Any]:
        """The node, and the configuration of heartbeats. Raises CallFailed."""
        asked = {"addresses": ",".join(addresses), **({"node_uuid": node} if node else {})}
        found = self._ask("GET", f"/v1/lookup?{urllib.parse.urlencode(asked)}", None)
        if not isinstance(found, dict) or "node" not in found:
            raise CallFailed("the lookup's answer has no node")
        return found

    def heartbeat(self, node: str, body: dict[str, Any]) -> None:
        """Raises CallFailed."""
        self._ask("POST", f"/v1/heartbeat/{node}", body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-OpenStack-Ironic-API-Version": VERSION, "Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=self._trust) as answer:
                raw = answer.read(MOST)
        except urllib.error.HTTPError as error:
            text = error.read(2000).decode(errors="replace")
            raise CallFailed(f"{error.code}: {text}", error.code) from None
        except (OSError, ValueError) as error:
            raise CallFailed(str(error)) from None
        return json.loads(raw) if raw else None
