"""A browser without a screen: keeps cookies, fills in forms, speaks to a cloud in the process."""

import html
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from cumulo.identity.first_run.accounts import accounts
from tests.support.cloud import Answer, TestCloud

DOOR = "/dashboard/auth/login/"


def password_of(cloud: TestCloud, user: str) -> str:
    account = next(each for each in accounts(cloud.cloud.settings) if each.name == user)
    return account.password_file.read_text().strip()


@dataclass
class Browser:
    cloud: TestCloud
    cookies: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._ask("GET", path, headers)

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> Answer:
        named = {
            "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
            "accept-language": self.language,
            **headers,
        }
        path = path if path.startswith("/dashboard") else f"/dashboard{path}"
        answer = await self.cloud.request(method, path, headers=named, body=body)
        for line in answer.headers.get("set-cookie", "").split("\n"):
            name, sign, value = line.partition(";")[0].partition("=")
            if sign:
                self.cookies[name] = value
        return answer

    @property
    def csrf(self) -> str:
        return self.cookies.get("csrftoken", "")

    async def post(
        self,
        path: str,
        form: dict[str, str] | list[tuple[str, str]],
        *,
        csrf: str | None = None,
        **headers: str,
    ) -> Answer:
        pairs = list(form.items()) if isinstance(form, dict) else form
        pairs.append(("csrf", self.csrf if csrf is None else csrf))
        return await self._ask("POST", path, headers, urlencode(pairs).encode())

    async def upload(
        self, path: str, form: dict[str, str], name: str, content: bytes, **headers: str
    ) -> Answer:
        parts = {"csrf": self.csrf, **form}
        body = b"".join(
            f'--XX\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
            for k, v in parts.items()
        )
        body += (
            f'--XX\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        body += content + b"\r\n--XX--\r\n"
        kind = {"content-type": "multipart/form-data; boundary=XX", **headers}
        return await self._ask("POST", path, kind, body)

    async def sign_in(self, user: str = "demo", password: str = "", **more: str) -> Answer:
        await self.get(DOOR)
        form = {"username": user, "password": password or password_of(self.cloud, user), **more}
        return await self.post(DOOR, form)


async def signed_in(cloud: TestCloud, user: str = "demo") -> Browser:
    browser = Browser(cloud)
    answer = await browser.sign_in(user)
    assert answer.status == 303, answer.raw
    return browser


def text_of(answer: Answer) -> str:
    """What a page says, without its marks."""
    plain = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", answer.raw.decode())
    return re.sub(r"\s+", " ", html.unescape(plain))


def problem_of(answer: Answer) -> str:
    """What a page says in red."""
    found = re.findall(r'(?s)role="alert">(.*?)</', answer.raw.decode())
    return html.unescape(" ".join(found)) or f"{answer.status}, and no reason"


_ID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f-]{36}|(?<=metadefs/)(?!new/)[^/?]+|(?<=flavors/)[0-9]+"
    r"|(?:row|before|marker|after)=[^&]*"
)


def shape_of(path: str) -> str:
    """The kind of page that an address is of."""
    return _ID.sub("*", path)


def links(answer: Answer, start: str) -> list[str]:
    found = re.findall(r'href="([^"]*)"', answer.raw.decode())
    return list(dict.fromkeys(html.unescape(each) for each in found if each.startswith(start)))


def ids_of(answer: Answer, panel: str) -> list[str]:
    """The ids that a list's page links to."""
    pattern = rf"/dashboard/{panel}/([0-9a-f-]{{32,36}})$"
    return [m[1] for each in links(answer, "/dashboard/") if (m := re.match(pattern, each))]
