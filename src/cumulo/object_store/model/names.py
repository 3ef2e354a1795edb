"""Names of accounts, containers and objects, as clients send them: bytes, percent-encoded.

Swift takes any UTF-8 but NUL, slashes and doubled slashes in objects included, and counts bytes.
In memory names are text; in rows they are bytes, which both databases compare alike.
"""

from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from cumulo.object_store.model import limits
from cumulo.object_store.model.faults import BadInput, PreconditionFailed


class Place(NamedTuple):
    """What a path below `/v1` names; the last ones may be empty."""

    account: str
    container: str = ""
    object: str = ""

    @property
    def path(self) -> str:
        """`/AUTH_x/container/object`"""
        return "/" + "/".join(part for part in self if part)


def decoded(text: str) -> str:
    """Percent-encoded UTF-8 as text; 412 for other bytes and NUL, as Swift words it."""
    raw = unquote_to_bytes(text)
    try:
        found = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise PreconditionFailed("Invalid UTF8 or contains NULL") from None
    _check_text(found)
    return found


def _check_text(name: str) -> None:
    """Raises PreconditionFailed for what no row, list or header can hold."""
    if "\0" in name or any("\ud800" <= c <= "\udfff" for c in name):
        raise PreconditionFailed("Invalid UTF8 or contains NULL")


def split(tail: str) -> Place:
    """The place of a percent-encoded path below `/v1/`. Raises PreconditionFailed."""
    account, _, rest = decoded(tail).partition("/")
    container, _, name = rest.partition("/")
    if not account or (name and not container):
        raise PreconditionFailed("Bad URL")
    return Place(account, container, name)


def check_container(name: str) -> None:
    _check_text(name)
    size = len(name.encode())
    if size > limits.MAX_CONTAINER_NAME:
        raise BadInput(
            f"Container name length of {size} longer than {limits.MAX_CONTAINER_NAME}",
            kind="InvalidBucketName",
        )


def check_object(name: str) -> None:
    _check_text(name)
    size = len(name.encode())
    if size > limits.MAX_OBJECT_NAME:
        raise BadInput(
            f"Object name length of {size} longer than {limits.MAX_OBJECT_NAME}",
            kind="KeyTooLongError",
        )


def check_account(name: str) -> None:
    size = len(name.encode())
    if size > limits.MAX_ACCOUNT_NAME:
        raise BadInput(f"Account name length of {size} longer than {limits.MAX_ACCOUNT_NAME}")


def container_and_object(text: str, what: str) -> tuple[str, str]:
    """Of `X-Copy-From`, `Destination`: `/container/object`, decoded before."""
    container, _, name = text.lstrip("/").partition("/")
    if not container or not name:
        raise PreconditionFailed(
            f"{what} header must be of the form <container name>/<object name>"
        )
    return container, name
