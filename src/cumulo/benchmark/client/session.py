"""One user of a cloud: a token, the catalog, and calls by the kind of service.

session = Session(http, Credentials(auth_url=…, username=…, …))
servers = await session.get("compute", "/servers/detail", version="2.60")

Answers that are no success are raised as an ApiError whose name is the status's (NotFound …), for
that is what a report groups failures by.
"""

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec

from cumulo.benchmark.client.http import Answer, Body, Http, HttpError


class Credentials(msgspec.Struct, frozen=True):
    """Who asks, and where. What is empty is left out of the request."""

    auth_url: str
    username: str = ""
    password: str = ""
    user_domain: str = "Default"
    project: str = ""
    project_domain: str = "Default"
    project_id: str = ""
    region: str = ""
    interface: str = "public"
    application_credential_id: str = ""
    application_credential_secret: str = ""
    types: dict[str, str] = {}
    """Services whose type in the catalog is not the usual one, by ours."""


class ApiError(Exception):
    """The cloud refused: `status` and its words."""

    def __init__(self, status: int, method: str, url: str, text: str, request_id: str) -> None:
        self.status = status
        self.method = method
        self.url = url
        suffix = f" (Request-ID: {request_id})" if request_id else ""
        super().__init__(f"{text} (HTTP {status}){suffix}")


class BadRequest(ApiError):
    pass


class Unauthorized(ApiError):
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    pass


class Conflict(ApiError):
    pass


class OverLimit(ApiError):
    pass


class ServerFailure(ApiError):
    pass


class NotAvailable(ApiError):
    pass


_ERRORS: Mapping[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: OverLimit,
    429: OverLimit,
    500: ServerFailure,
    503: NotAvailable,
}

# A service's names in catalogs, the usual one first, and the version that its paths want.
SERVICES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "identity": (("identity",), "/v3"),
    "compute": (("compute",), "/v2.1"),
    "image": (("image",), "/v2"),
    "network": (("network",), "/v2.0"),
    "volume": (("block-storage", "volumev3", "volume", "block-store"), "/v3"),
    "placement": (("placement",), ""),
    "object-store": (("object-store",), "/v1"),
    "orchestration": (("orchestration",), "/v1"),
    "dns": (("dns",), "/v2"),
    "share": (("shared-file-system", "sharev2", "share"), "/v2"),
    "baremetal": (("baremetal", "bare-metal"), "/v1"),
    "metric": (("metric", "gnocchi"), "/v1"),
    "alarming": (("alarm", "alarming"), "/v2"),
    "metering": (("metering", "telemetry"), "/v2"),
    "load-balancer": (("load-balancer",), "/v2"),
}
# Clients' names, which files use.
KINDS: Mapping[str, str] = {
    "nova": "compute",
    "cinder": "volume",
    "glance": "image",
    "neutron": "network",
    "keystone": "identity",
    "swift": "object-store",
    "heat": "orchestration",
    "designate": "dns",
    "manila": "share",
    "ironic": "baremetal",
    "gnocchi": "metric",
    "aodh": "alarming",
    "ceilometer": "metering",
    "octavia": "load-balancer",
}
# Which header asks a service for a microversion, and how.
_VERSIONS: Mapping[str, tuple[str, str]] = {
    "compute": ("OpenStack-API-Version", "compute {}"),
    "volume": ("OpenStack-API-Version", "volume {}"),
    "placement": ("OpenStack-API-Version", "placement {}"),
    "share": ("X-OpenStack-Manila-API-Version", "{}"),
    "baremetal": ("X-OpenStack-Ironic-API-Version", "{}"),
}
_VERSIONED = re.compile(r"/v\d+(\.\d+)?(/|$)")
_ID = re.compile(r"[0-9a-f]{32}")
RENEW_BEFORE = 60.0
REDIRECTS = 3
_INNER = ("message", "faultstring", "detail", "title")


class ServiceMissing(Exception):
    """The catalog has no such service."""


def other_types(types: Mapping[str, str]) -> dict[str, str]:
    """Those of which a service is not looked for anyway."""
    return {name: kind for name, kind in types.items() if kind not in SERVICES[name][0]}


class Session:
    """Calls as one user. Tokens are asked for once and shared by all tasks of the loop."""

    def __init__(self, http: Http, credentials: Credentials) -> None:
        self.http = http
        self.credentials = credentials
        self._token = ""
        self._expires = 0.0
        self._catalog: dict[str, str] = {}
        self._renewing: asyncio.Lock | None = None
        self.user_id = ""
        self.project_id = ""
        self.project_name = ""
        self.roles: list[str] = []
        self.names: dict[str, str] = {}
        """The catalog's names of services, by type."""

    # tokens and catalog

    async def token(self) -> str:
        if self._token and time.time() < self._expires - RENEW_BEFORE:
            return self._token
        if self._renewing is None:
            self._renewing = asyncio.Lock()
        async with self._renewing:
            if not self._token or time.time() >= self._expires - RENEW_BEFORE:
                await self.authenticate()
        return self._token

    async def authenticate(self) -> dict[str, Any]:
        """A new token, whatever is known; returns its document."""
        url = self._identity_url("/auth/tokens")
        body = msgspec.json.encode(self._auth())
        answer = await self.http.request("POST", url, {"Content-Type": "application/json"}, body)
        if answer.status != 201:
            raise error_of(answer, "POST", url)
        try:
            return self._logged_in(answer)
        except (msgspec.MsgspecError, LookupError, TypeError, AttributeError) as error:
            kind = type(error).__name__
            raise HttpError(f"what {url} answered is no token ({kind}: {error})") from None

    def _logged_in(self, answer: Answer) -> dict[str, Any]:
        document: dict[str, Any] = msgspec.json.decode(answer.body)["token"]
        self.user_id = document["user"]["id"]
        self._token = answer.headers.get("x-subject-token", "")
        self._expires = _moment(document.get("expires_at", ""))
        self.project_id = document.get("project", {}).get("id", "")
        self.project_name = document.get("project", {}).get("name", "")
        self.roles = [role["name"] for role in document.get("roles", ())]
        catalog = document.get("catalog", ())
        self._catalog = self._endpoints(catalog)
        self.names = {each["type"]: each.get("name") or "" for each in catalog}
        return document

    def _auth(self) -> dict[str, Any]:
        c = self.credentials
        if c.application_credential_id:
            secret = {
                "id": c.application_credential_id,
                "secret": c.application_credential_secret,
            }
            return {
                "auth": {
                    "identity": {
                        "methods": ["application_credential"],
                        "application_credential": secret,
                    }
                }
            }
        user = {"name": c.username, "password": c.password, "domain": _domain(c.user_domain)}
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
        if c.project_id:
            auth["scope"] = {"project": {"id": c.project_id}}
        elif c.project:
            auth["scope"] = {"project": {"name": c.project, "domain": _domain(c.project_domain)}}
        return {"auth": auth}

    def _identity_url(self, path: str) -> str:
        # What was asked at /v2.0 once is at /v3 now.
        base = self.credentials.auth_url.rstrip("/").removesuffix("/v2.0")
        return (base if base.endswith("/v3") else base + "/v3") + path

    def _endpoints(self, catalog: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """The URL of each type of service, in our region and interface."""
        found: dict[str, str] = {}
        region, interface = self.credentials.region, self.credentials.interface
        for service in catalog:
            for endpoint in service.get("endpoints", ()):
                if endpoint["interface"] != interface.removesuffix("URL"):
                    continue
                if region and endpoint.get("region") not in (region, None):
                    continue
                found.setdefault(service["type"], endpoint["url"].rstrip("/"))
        return found

    async def services(self) -> dict[str, str]:
        """Type → URL of all that the catalog has."""
        await self.token()
        return dict(self._catalog)

    def call_types(self, types: Mapping[str, str]) -> None:
        """These services are found by other types from now on."""
        self.credentials = msgspec.structs.replace(self.credentials, types=dict(types))
        for service in types:
            self._catalog.pop(f"/{service}", None)

    async def has(self, service: str) -> bool:
        try:
            await self.url(service, "")
        except ServiceMissing:
            return False
        return True

    async def url(self, service: str, path: str) -> str:
        """Where a path of a service is. Raises ServiceMissing."""
        await self.token()
        return self._base(service) + path

    def _base(self, service: str) -> str:
        known = self._catalog.get(f"/{service}")
        if known is not None:
            return known
        if service == "identity":
            known = self._identity_url("")
        else:
            names, version = SERVICES.get(service, ((service,), ""))
            if service in self.credentials.types:
                names = (self.credentials.types[service],)
            base = next((self._catalog[n] for n in names if n in self._catalog), None)
            if base is None:
                raise ServiceMissing(f"'{service}' service is not available.")
            known = base if not version or _VERSIONED.search(base) else base + version
        self._catalog[f"/{service}"] = known
        return known

    # calls

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: object = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        version: str = "",
        query: Mapping[str, object] | None = None,
        keep: bool = True,
    ) -> Answer:
        """One request with our token; anything but success is raised as an ApiError."""
        token = await self.token()
        url = self._base(service) + path
        if query:
            url += ("&" if "?" in url else "?") + urlencode(
                {k: v for k, v in query.items() if v is not None}, doseq=True
            )
        named = {"X-Auth-Token": token, "Accept": "application/json", **(headers or {})}
        if version:
            name, form = _VERSIONS[service]
            named[name] = form.format(version)
        if json is not None:
            body = msgspec.json.encode(json)
            named.setdefault("Content-Type", "application/json")
        answer = await self.http.request(method, url, named, body, keep=keep)
        for _ in range(REDIRECTS):
            # Orchestration answers a stack's id with where its whole name leads. With the same
            # method, as keystoneauth does; our token goes to no other host.
            to = answer.headers.get("location", "")
            if answer.status not in (301, 302, 307, 308) or not _is_again(body):
                break
            if not to or urlsplit(urljoin(url, to)).netloc != urlsplit(url).netloc:
                break
            url = urljoin(url, to)
            answer = await self.http.request(method, url, named, body, keep=keep)
        if answer.status == 401 and _is_again(body):
            # Perhaps revoked, or expired by another clock: once more with a new one.
            if self._token == token:
                self._expires = 0.0
            named["X-Auth-Token"] = await self.token()
            answer = await self.http.request(method, url, named, body, keep=keep)
        if not 200 <= answer.status < 300:
            # A redirection that is not followed has done nothing.
            raise error_of(answer, method, url)
        return answer

    async def get(self, service: str, path: str, **more: Any) -> Any:
        return _decoded(await self.call(service, "GET", path, **more))

    async def post(self, service: str, path: str, json: object = None, **more: Any) -> Any:
        return _decoded(await self.call(service, "POST", path, json=json, **more))

    async def put(self, service: str, path: str, json: object = None, **more: Any) -> Any:
        return _decoded(await self.call(service, "PUT", path, json=json, **more))

    async def patch(self, service: str, path: str, json: object = None, **more: Any) -> Any:
        return _decoded(await self.call(service, "PATCH", path, json=json, **more))

    async def delete(self, service: str, path: str, **more: Any) -> Any:
        return _decoded(await self.call(service, "DELETE", path, **more))

    async def pages(
        self, service: str, path: str, collection: str, *, limit: int = 1000, **more: Any
    ) -> list[Any]:
        """All of a list, page by page: as long as a page is followed by another."""
        query = {**more.pop("query", {}), "limit": limit}
        found: list[Any] = []
        while True:
            document = await self.get(service, path, query=query, **more)
            page = document.get(collection) if isinstance(document, dict) else None
            if not isinstance(page, list) or not all(isinstance(each, dict) for each in page):
                raise HttpError(f"what {service} answered is no list of {collection}")
            found.extend(page)
            last = (page[-1].get("id") or page[-1].get("name")) if page else None
            # Some services say of no page that it has a next one; some do not know markers.
            followed = is_followed(document, collection) or len(page) >= limit
            if not last or not followed or last == query.get("marker") or len(found) > 1_000_000:
                return found
            query["marker"] = last


def is_followed(document: Any, collection: str) -> bool:
    """Whether a page of a list says that there is another one, in any service's way."""
    links = document.get("links")
    return (
        any(link.get("rel") == "next" for link in document.get(f"{collection}_links") or ())
        or bool(document.get("next"))
        or (isinstance(links, dict) and bool(links.get("next")))
    )


def _is_again(body: Body) -> bool:
    """Whether it can be sent once more: a stream is over."""
    return body is None or isinstance(body, bytes)


def _domain(named: str) -> dict[str, str]:
    """`default` is an id everywhere, `Default` a name; other ids are 32 hexadecimal digits."""
    return {"id": named} if named == "default" or _ID.fullmatch(named) else {"name": named}


def _moment(text: str) -> float:
    import datetime

    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return time.time() + 3600.0


def _decoded(answer: Answer) -> Any:
    if not answer.body or answer.status == 204:
        return None
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        raise HttpError(f"the answer is no JSON: {answer.body[:200]!r}") from None


def error_of(answer: Answer, method: str, url: str) -> ApiError:
    """The exception for a refusal, with the words that the service found for it."""
    kind = _ERRORS.get(answer.status, ServerFailure if answer.status >= 500 else ApiError)
    named = answer.headers
    request_id = named.get("x-openstack-request-id") or named.get("x-compute-request-id", "")
    text = _words(answer.body) or f"{method} {quote(url, safe=':/?&=%')} was refused"
    return kind(answer.status, method, url, text, request_id)


def _words(body: bytes) -> str:
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        text = re.sub(rb"<[^>]*>", b" ", body[:2000]).decode(errors="replace")
        return " ".join(text.split())[:500]
    if isinstance(document, dict):
        # The words are in an inner object nearly everywhere; what is beside it is the status's.
        for value in document.values():
            if isinstance(value, dict):
                inner = next((value[k] for k in _INNER if value.get(k)), None)
                if isinstance(inner, str) and inner:
                    return inner[:1000]
        for name in ("message", "error_message", "faultstring", "explanation", "title"):
            if isinstance(document.get(name), str) and document[name]:
                return str(document[name])[:1000]
    return str(document)[:500]
