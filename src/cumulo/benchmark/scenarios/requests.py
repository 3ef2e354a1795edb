"""Scenarios of plain HTTP requests, of anything that speaks HTTP."""

import random
from typing import Any
from urllib.parse import urlencode

import msgspec

from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import scenario


async def _check(run: Run, url: str, method: str, status_code: int, **more: Any) -> None:
    with run.action("requests.check_request"):
        headers = {k: str(v) for k, v in (more.get("headers") or {}).items()}
        body = None
        if more.get("json") is not None:
            body = msgspec.json.encode(more["json"])
            headers.setdefault("Content-Type", "application/json")
        elif isinstance(more.get("data"), dict):
            body = urlencode(more["data"]).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif more.get("data") is not None:
            body = str(more["data"]).encode()
        if more.get("params"):
            url += ("&" if "?" in url else "?") + urlencode(more["params"], doseq=True)
        timeout = float(more.get("timeout") or 60)
        answer = await run.surroundings.http.request(
            method.upper(), url, headers, body, keep=False, timeout=timeout
        )
        run.check(
            answer.status == status_code,
            f"Expected HTTP request code is `{status_code}` actual `{answer.status}`",
        )


@scenario("HttpRequests.check_request", platform=False)
async def check_request(run: Run, url: str, method: str, status_code: int, **kwargs: Any) -> None:
    """Send one request and check the status of its answer."""
    await _check(run, url, method, status_code, **kwargs)


@scenario("HttpRequests.check_random_request", platform=False)
async def check_random_request(run: Run, requests: list[dict[str, Any]], status_code: int) -> None:
    """Send one of a list of requests, and check the status of its answer."""
    chosen = {"status_code": status_code, "method": "GET", **random.choice(requests)}
    await _check(run, **chosen)
