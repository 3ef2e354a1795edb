"""Scenarios of plain HTTP requests, of anything that speaks HTTP, in the words of `requests`."""

import base64
import random
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from cumulo.benchmark.client.http import Answer, Http
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.registry import scenario

WORDS = frozenset(
    {"headers", "json", "data", "params", "timeout", "verify", "auth", "cookies"}
    | {"allow_redirects"}
)
REDIRECTS = 30


def _body(more: Mapping[str, Any], headers: dict[str, str]) -> bytes | None:
    if more.get("json") is not None:
        headers.setdefault("Content-Type", "application/json")
        return msgspec.json.encode(more["json"])
    if isinstance(more.get("data"), dict):
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return urlencode(more["data"], doseq=True).encode()
    return None if more.get("data") is None else str(more["data"]).encode()


def _headers(more: Mapping[str, Any]) -> dict[str, str]:
    headers = {k: str(v) for k, v in (more.get("headers") or {}).items()}
    if more.get("auth"):
        name, password = more["auth"]
        both = base64.b64encode(f"{name}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {both}"
    if more.get("cookies"):
        headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in more["cookies"].items())
    return headers


def _client(run: Run, url: str, verify: Any) -> Http:
    """The run's own, unless certificates are looked at in another way."""
    if verify in (None, True):
        return run.surroundings.client_for(url)
    kept: dict[Any, Http] = run.surroundings.kept.setdefault("http", {})
    if verify not in kept:
        kept[verify] = Http(
            verify=verify is not False, ca_file=verify if isinstance(verify, str) else None
        )
    return kept[verify]


async def _check(run: Run, url: str, method: str, status_code: int, **more: Any) -> None:
    unknown = sorted(set(more) - WORDS)
    if unknown:
        raise CheckFailed(f"Unexpected argument(s) of a request: {', '.join(unknown)}")
    with run.action("requests.check_request"):
        answer = await _asked(run, url, method.upper(), more)
        run.check(
            answer.status == status_code,
            f"Expected HTTP request code is `{status_code}` actual `{answer.status}`",
        )


async def _asked(run: Run, url: str, method: str, more: Mapping[str, Any]) -> Answer:
    headers = _headers(more)
    body = _body(more, headers)
    url = url.partition("#")[0]
    if more.get("params"):
        url += ("&" if "?" in url else "?") + urlencode(more["params"], doseq=True)
    timeout = float(more.get("timeout") or 60)
    http = _client(run, url, more.get("verify"))
    follows = more.get("allow_redirects", method != "HEAD")
    for _ in range(REDIRECTS + 1):
        answer = await http.request(method, url, headers, body, keep=False, timeout=timeout)
        to = answer.headers.get("location")
        if not follows or not to or answer.status not in (301, 302, 303, 307, 308):
            return answer
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = ("HEAD" if method == "HEAD" else "GET"), None
        before, url = url, urljoin(url, to)
        if urlsplit(before).netloc != urlsplit(url).netloc:
            # What was meant for one host is not told another.
            headers = {k: v for k, v in headers.items() if k not in ("Authorization", "Cookie")}
    raise CheckFailed(f"Exceeded {REDIRECTS} redirects.")


def _method_problems(args: Mapping[str, Any]) -> list[str]:
    method = args.get("method", "GET")
    if isinstance(method, str) and re.fullmatch(r"[A-Za-z]{1,32}", method):
        return []
    return [f"{method!r:.50} is no method of HTTP"]


@scenario("HttpRequests.check_request", platform=False, more=WORDS, check=_method_problems)
async def check_request(run: Run, url: str, method: str, status_code: int, **kwargs: Any) -> None:
    """Send one request and check the status of its answer."""
    await _check(run, url, method, status_code, **kwargs)


def _requests_problems(args: Mapping[str, Any]) -> list[str]:
    known = {*WORDS, "url", "method", "status_code"}
    found = []
    for number, each in enumerate(args.get("requests") or ()):
        if not isinstance(each, dict) or "url" not in each:
            found.append(f"requests[{number}] has no 'url'")
        elif set(each) - known:
            listed = "', '".join(sorted(set(each) - known))
            found.append(f"Unexpected argument(s) found ['{listed}'] in requests[{number}].")
        else:
            found += _method_problems(each)
    return found


@scenario("HttpRequests.check_random_request", platform=False, check=_requests_problems)
async def check_random_request(run: Run, requests: list[dict[str, Any]], status_code: int) -> None:
    """Send one of a list of requests, and check the status of its answer."""
    chosen = {"status_code": status_code, "method": "GET", **random.choice(requests)}
    await _check(run, **chosen)
