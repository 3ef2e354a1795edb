"""Directories that speak LDAP, by ldap3. Only read; imported when a domain has one.

ldap3 blocks, so every call is a job of a bounded set of threads: those that log in do not wait
behind those that read everybody. Each job makes its own connection and gives it up: a connection
that somebody's password was tried on is used for nothing else.
"""

import asyncio
import contextlib
import ssl
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.dn import parse_dn

from cumulo.identity.drivers.directory import (
    Capabilities,
    DirectoryUnreachable,
    Look,
    Person,
    Snapshot,
    Team,
)
from cumulo.identity.model.directory_options import DirectoryOptions, Kind

T = TypeVar("T")

LOGIN_THREADS = 8
READING_THREADS = 2
MOST_USERS = 100_000
MOST_GROUPS = 20_000
LONGEST_NAME = 255
NOTES_KEPT = 10

SUCCESS, NO_SUCH_OBJECT = 0, 32
WRONG = frozenset({19, 32, 34, 48, 49, 50, 53})
"""Results of a bind that say no to a password: invalid credentials, account rules, no such user."""
BINARY = frozenset({"objectguid", "objectsid"})
"""Ids that are bytes, even where they happen to be text."""
PAGED = "1.2.840.113556.1.4.319"
DEREFERENCE = {
    "default": ldap3.DEREF_ALWAYS,
    "never": ldap3.DEREF_NEVER,
    "searching": ldap3.DEREF_SEARCH,
    "finding": ldap3.DEREF_BASE,
    "always": ldap3.DEREF_ALWAYS,
}
VALIDATION = {
    "demand": ssl.CERT_REQUIRED,
    "allow": ssl.CERT_OPTIONAL,
    "never": ssl.CERT_NONE,
}

_LOGINS = ThreadPoolExecutor(LOGIN_THREADS, thread_name_prefix="directory login")
_READING = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="directory")

Attributes = dict[str, list[bytes]]
"""By their names in lower case."""


class LdapDirectory:
    def __init__(self, options: DirectoryOptions) -> None:
        self._options = options
        given = options
        encrypted = given.use_tls or all(url.lower().startswith("ldaps://") for url in given.urls)
        self.capabilities = Capabilities(encrypted=encrypted)

    async def snapshot(self) -> Snapshot:
        return await self._in(_READING, self._snapshot)

    async def look(
        self, password: str, *, name: str | None = None, local_id: str | None = None
    ) -> Look:
        return await self._in(_LOGINS, lambda: self._look(password, name, local_id))

    async def _in(self, threads: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        def guarded() -> T:
            try:
                return job()
            except DirectoryUnreachable:
                raise
            except Exception as error:  # whatever an answer that makes no sense does to ldap3
                raise DirectoryUnreachable(f"{type(error).__name__}: {error}") from None

        return await asyncio.get_running_loop().run_in_executor(threads, guarded)

    # Connections

    def _connect(self, user: str, password: bytes) -> tuple[Any, int]:
        """A connection to the first server that answers, and what it said to the bind."""
        told = []
        for url in self._options.urls:
            try:
                return self._connect_to(url, user, password)
            except (LDAPException, OSError) as error:
                told.append(f"{url}: {str(error) or type(error).__name__}")
        raise DirectoryUnreachable("; ".join(told))

    def _connect_to(self, url: str, user: str, password: bytes) -> tuple[Any, int]:
        given = self._options
        tls = ldap3.Tls(
            validate=VALIDATION[given.tls_req_cert],
            ca_certs_file=given.tls_cacertfile or None,
            ca_certs_path=given.tls_cacertdir or None,
        )
        server = ldap3.Server(url, get_info=ldap3.NONE, tls=tls, connect_timeout=given.timeout)
        connection = ldap3.Connection(
            server,
            user=user or None,
            # As bytes: ldap3 would prepare a text by SASLprep, which can make an empty one of it,
            # and an empty password is no proof at all (RFC 4513, 5.1.2).
            password=password or None,
            authentication=ldap3.SIMPLE if user else ldap3.ANONYMOUS,
            auto_referrals=False,
            check_names=False,
            read_only=True,
            receive_timeout=given.timeout,
            return_empty_attributes=False,
        )
        try:
            connection.open()
            if given.use_tls and not connection.start_tls():
                raise DirectoryUnreachable(f"{url}: StartTLS was refused")
            connection.bind()
        except BaseException:
            _close(connection)
            raise
        return connection, int(connection.result["result"])

    @contextlib.contextmanager
    def _reader(self) -> Iterator[Any]:
        """A connection with the configured user's rights."""
        given = self._options
        if given.user and not given.password:
            raise DirectoryUnreachable("the option user is set and the option password is not")
        connection, said = self._connect(given.user, given.password.encode())
        try:
            if said != SUCCESS:
                what = connection.result["description"]
                raise DirectoryUnreachable(f"the directory refuses the configured user: {what}")
            yield connection
        finally:
            _close(connection)

    # Searches

    def _search(
        self,
        connection: Any,
        base: str,
        filter: str,
        attributes: Iterable[str],
        most: int,
        *,
        whole: bool = True,
        scope: str | None = None,
    ) -> list[tuple[str, Attributes]]:
        """(dn, attributes) of all that match. `whole`: a part is not enough, and neither is a base
        that is not there."""
        given = self._options
        found: list[tuple[str, Attributes]] = []
        cookie: bytes | None = None
        while True:
            connection.search(
                base,
                filter,
                search_scope=scope or (ldap3.SUBTREE if given.subtree else ldap3.LEVEL),
                dereference_aliases=DEREFERENCE[given.dereference],
                attributes=sorted(set(attributes)),
                paged_size=given.page_size,
                paged_cookie=cookie,
            )
            result = connection.result
            if result["result"] == NO_SUCH_OBJECT and not whole:
                return []
            if result["result"] != SUCCESS:
                raise DirectoryUnreachable(f"search of {base}: {result['description']}")
            for entry in connection.response or ():
                if entry["type"] == "searchResEntry":
                    raw = entry["raw_attributes"]
                    found.append((entry["dn"], {k.lower(): list(v) for k, v in raw.items()}))
            if len(found) > most:
                raise DirectoryUnreachable(f"search of {base}: there are more than {most} entries")
            cookie = (result.get("controls") or {}).get(PAGED, {}).get("value", {}).get("cookie")
            if not cookie:
                return found

    def _filter(self, kind: Kind, more: str = "") -> str:
        return f"(&(objectClass={kind.objectclass}){kind.filter}{more})"

    def _user_attributes(self) -> list[str]:
        given = self._options
        kind = given.users
        named = [kind.id, kind.name, kind.description, given.mail, given.default_project_id]
        named += [given.enabled, *(theirs for theirs, _ in kind.additional)]
        return [each for each in named if each]

    # Jobs

    def _snapshot(self) -> Snapshot:
        given, notes = self._options, _Notes()
        with self._reader() as connection:
            wanted = self._search(
                connection,
                given.users.tree,
                self._filter(given.users),
                self._user_attributes(),
                MOST_USERS,
            )
            enabled = self._enabled_dns(connection)
            people = _distinct(
                (person_of(given, dn, values, enabled) for dn, values in wanted), notes, "user"
            )
            kind = given.groups
            attributes = [kind.id, kind.name, kind.description, given.member]
            entries = self._search(
                connection,
                kind.tree,
                self._filter(kind),
                [each for each in attributes if each],
                MOST_GROUPS,
                whole=kind.tree_is_given,
            )
        ids = {canonical(person.dn): person.local_id for person in people}
        if given.members_are_ids:
            ids = {person.local_id: person.local_id for person in people}
        teams = _distinct(
            (team_of(given, dn, values, ids) for dn, values in entries), notes, "group"
        )
        return Snapshot(tuple(people), tuple(teams), tuple(notes.kept))

    def _enabled_dns(self, connection: Any) -> frozenset[str] | None:
        """Who is in the group of those that are enabled; None: there is no such rule."""
        given = self._options
        if not given.emulation_dn:
            return None
        found = self._search(
            connection,
            given.emulation_dn,
            f"(objectClass={given.emulation_class})",
            [given.emulation_member],
            1,
            whole=False,
            scope=ldap3.BASE,
        )
        values = found[0][1].get(given.emulation_member.lower(), []) if found else []
        return frozenset(canonical(_text(value)) for value in values)

    def _look(self, password: str, name: str | None, local_id: str | None) -> Look:
        try:
            secret = password.encode()
        except UnicodeEncodeError:  # half a surrogate pair is no password of any directory
            secret = b""
        with self._reader() as connection:
            person = self._find(connection, name, local_id)
            right = self._is_right(person, secret)
            if person is None or not right:
                return Look(person)
            return Look(person, True, tuple(self._teams_of(connection, person)))

    def _find(self, connection: Any, name: str | None, local_id: str | None) -> Person | None:
        given = self._options
        kind = given.users
        value = name if name is not None else local_id
        if not value:
            return None
        wanted = f"({kind.name if name is not None else kind.id}={escape(value)})"
        if name is None:
            wanted = f"(|{wanted}({kind.id}={escaped(_bytes(value))}))"
        found = self._search(
            connection,
            kind.tree,
            self._filter(kind, wanted),
            self._user_attributes(),
            100,
        )
        enabled = self._enabled_dns(connection)
        people = [person_of(given, dn, values, enabled) for dn, values in found]
        if local_id is not None:
            people = [each for each in people if each is not None and each.local_id == local_id]
        # A name that two have is nobody's.
        return people[0] if len(people) == 1 else None

    def _is_right(self, person: Person | None, secret: bytes) -> bool:
        if not secret or b"\0" in secret:
            return False
        # Somebody unknown has a password tried too: it must not take shorter.
        dn = person.dn if person is not None else f"cn={uuid.uuid4()},{self._options.users.tree}"
        connection, said = self._connect(dn, secret)
        _close(connection)
        if said not in WRONG and said != SUCCESS:
            raise DirectoryUnreachable(f"bind: {connection.result['description']}")
        return said == SUCCESS and person is not None

    def _teams_of(self, connection: Any, person: Person) -> Iterator[Team]:
        given = self._options
        kind = given.groups
        if not given.member:
            return
        member = person.local_id if given.members_are_ids else person.dn
        for dn, values in self._search(
            connection,
            kind.tree,
            self._filter(kind, f"({given.member}={escape(member)})"),
            [each for each in (kind.id, kind.name, kind.description) if each],
            MOST_GROUPS,
            whole=kind.tree_is_given,
        ):
            team = team_of(given, dn, values, {})
            if team is not None:
                yield team


class _Notes:
    """What was left out, in a few words each."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def add(self, text: str) -> None:
        if len(self.kept) < NOTES_KEPT:
            self.kept.append(text)


Entry = TypeVar("Entry", Person, Team)


def _distinct(found: Iterable[Entry | None], notes: _Notes, noun: str) -> list[Entry]:
    """Those with an id and a name that nobody else has; of two, the one with the lesser id."""
    kept: list[Entry] = []
    ids, names = set(), set()
    known = [each for each in found if each is not None]
    for each in sorted(known, key=lambda entry: (entry.local_id, entry.dn)):
        if each.local_id in ids or each.name in names:
            notes.add(f"{noun} {each.dn}: its id or name is another's")
            continue
        ids.add(each.local_id)
        names.add(each.name)
        kept.append(each)
    return kept


def _close(connection: Any) -> None:
    with contextlib.suppress(LDAPException, OSError):
        connection.unbind()


def escape(value: str) -> str:
    """A value as it may stand in a filter (RFC 4515). Whatever is not a plain letter or digit is
    escaped: a parser that strips spaces, say, has nothing to strip."""
    return escaped(value.encode("utf-8", "surrogatepass"))


def escaped(raw: bytes) -> str:
    return "".join(chr(b) if b < 128 and chr(b).isalnum() else f"\\{b:02x}" for b in raw)


def canonical(dn: str) -> str:
    """A DN as it can be compared: without the case and the spaces that mean nothing."""
    try:
        parts = parse_dn(dn, escape=False, strip=True)
    except LDAPException:
        return dn.strip().lower()
    return "".join(f"{kind.lower()}={value.lower()}{mark}" for kind, value, mark in parts)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _bytes(local_id: str) -> bytes:
    """An id that stands for bytes (`_text`), or any other as it is."""
    try:
        return bytes.fromhex(local_id)
    except ValueError:
        return local_id.encode("utf-8", "surrogatepass")


def _first(values: Attributes, name: str) -> str | None:
    found = values.get(name.lower()) if name else None
    return _text(found[0]) if found else None


def _id_of(kind: Kind, dn: str, values: Attributes) -> str | None:
    found = values.get(kind.id.lower(), [])
    if len(found) > 1:
        # The value that the entry is named by is the one that stays.
        with contextlib.suppress(LDAPException):
            name, value, _ = parse_dn(dn, escape=False)[0]
            if name.lower() == kind.id.lower():
                return str(value)
    if found and kind.id.lower() in BINARY:
        return found[0].hex()
    return _text(found[0]) if found else None


def _identified(kind: Kind, dn: str, values: Attributes) -> tuple[str, str] | None:
    """(id, name); None for an entry that lacks one, or whose are too long."""
    local_id, name = _id_of(kind, dn, values), _first(values, kind.name)
    if not local_id or not name or max(len(local_id), len(name)) > LONGEST_NAME:
        return None
    return None if "\0" in local_id + name else (local_id, name)


def person_of(
    options: DirectoryOptions, dn: str, values: Attributes, enabled: frozenset[str] | None
) -> Person | None:
    """A user out of an entry. `enabled`: the DNs of those that are, where a group says it."""
    found = _identified(options.users, dn, values)
    if found is None:
        return None
    extra: dict[str, str] = {}
    named = [(options.mail, "email"), (options.users.description, "description")]
    for theirs, ours in (*named, *options.users.additional):
        value = _first(values, theirs)
        if value and "\0" not in value:
            extra[ours] = value
    is_enabled = _is_enabled(options, values) if enabled is None else canonical(dn) in enabled
    project = _first(values, options.default_project_id)
    return Person(found[0], dn, found[1], is_enabled, project, extra)


def _is_enabled(options: DirectoryOptions, values: Attributes) -> bool:
    text = (_first(values, options.enabled) or options.enabled_default).strip()
    if options.enabled_mask:
        # A bit that says "disabled", as Active Directory's userAccountControl has it (2).
        try:
            return int(text) & options.enabled_mask != options.enabled_mask
        except ValueError:
            return False
    says = text.lower() in ("true", "1", "yes", "on")
    if text.lstrip("-").isdecimal():
        says = int(text) != 0
    return says != options.enabled_invert


def team_of(
    options: DirectoryOptions, dn: str, values: Attributes, ids: Mapping[str, str]
) -> Team | None:
    """A group out of an entry. `ids`: local ids of users by what members are called."""
    found = _identified(options.groups, dn, values)
    if found is None:
        return None
    called = (_text(value) for value in values.get(options.member.lower(), []))
    keys = called if options.members_are_ids else (canonical(each) for each in called)
    members = frozenset(ids[key] for key in keys if key in ids)
    description = _first(values, options.groups.description) or ""
    return Team(found[0], dn, found[1], description.replace("\0", ""), members)
