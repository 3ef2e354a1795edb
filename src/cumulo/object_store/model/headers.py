"""Metadata in headers: what is kept, what is dropped, and how much of it there may be.

Values are the bytes that came, as Latin-1 text: what is UTF-8 goes out as it came in, and the
length of a text is its length in bytes.
"""

from collections.abc import Iterable, Mapping

from cumulo.object_store.model import limits
from cumulo.object_store.model.faults import BadInput

KEPT = (
    "content-disposition",
    "content-encoding",
    "cache-control",
    "content-language",
    "expires",
    "x-robots-tag",
)
"""Headers of a PUT or POST, besides metadata, that objects are given back with."""


def metadata(headers: Mapping[str, str], kind: str) -> dict[str, str]:
    """Of `X-KIND-Meta-…` headers, names without the prefix; values may be empty (remove this).
    `X-Remove-KIND-Meta-…` are empty values. Raises BadInput for too much."""
    prefix, remove = f"x-{kind}-meta-", f"x-remove-{kind}-meta-"
    found = {}
    for name, value in headers.items():
        if name.startswith(prefix):
            found[name[len(prefix) :]] = value
    for name in headers:
        if name.startswith(remove):
            found.setdefault(name[len(remove) :], "")
    _check(found, prefix)
    return found


def _check(found: Mapping[str, str], prefix: str) -> None:
    for name, value in found.items():
        if not name:
            raise BadInput("Metadata name cannot be empty", kind="MetadataTooLarge")
        if len(name) > limits.MAX_META_NAME:
            raise BadInput(f"Metadata name too long: {prefix}{name}", kind="MetadataTooLarge")
        if len(value) > limits.MAX_META_VALUE:
            raise BadInput(
                f"Metadata value longer than {limits.MAX_META_VALUE}: {prefix}{name}",
                kind="MetadataTooLarge",
            )
    check_total(found)


def check_total(found: Mapping[str, str]) -> None:
    """Of one request, and of what it would leave behind."""
    given = [(name, value) for name, value in found.items() if value]
    if len(given) > limits.MAX_META_COUNT:
        raise BadInput(
            f"Too many metadata items; max {limits.MAX_META_COUNT}", kind="MetadataTooLarge"
        )
    size = sum(len(name) + len(value) for name, value in given)
    if size > limits.MAX_META_SIZE:
        raise BadInput(
            f"Total metadata too large; max {limits.MAX_META_SIZE}", kind="MetadataTooLarge"
        )


def merged(old: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """POST to accounts and containers adds to what is there; empty values take away."""
    both = {**old, **changes}
    kept = {name: value for name, value in both.items() if value}
    check_total(kept)
    return kept


def header_name(lower: str) -> str:
    """`x-object-meta-foo` as it is written on the wire: `X-Object-Meta-Foo`."""
    return "-".join(part.capitalize() for part in lower.split("-"))


def kept(headers: Mapping[str, str], names: Iterable[str] = KEPT) -> dict[str, str]:
    """The plain headers that are stored with an object."""
    found = {name: headers[name] for name in names if headers.get(name)}
    for name, value in found.items():
        if len(value) > limits.MAX_HEADER_SIZE:
            raise BadInput(f"Header value too long: {name}")
    return found
