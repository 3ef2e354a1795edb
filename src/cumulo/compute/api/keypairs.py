"""Key pairs on the wire."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta

from cumulo.compute.api.common import or_none
from cumulo.compute.model.keypair import KeyPairRow
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.keypairs import NewKey, check_name, generate
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import next_link, page_of
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset
from cumulo.core.work import pools

RULE = "os_compute_api:os-keypairs"
KeyName = Annotated[str, Meta(min_length=1, max_length=255)]
PublicKey = Annotated[str, Meta(max_length=65535)]


class NewKeyPair(StrictBody, kw_only=True):
    name: KeyName
    public_key: PublicKey | None = None
    type: Annotated[Literal["ssh", "x509"] | Unset, Since("2.2")] = UNSET
    user_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)] | Unset, Since("2.10")
    ] = UNSET


class CreateKeyPair(StrictBody):
    keypair: NewKeyPair


class ImportedKeyPair(NewKeyPair, kw_only=True):
    """API 2.92: keys are no longer made here."""

    public_key: PublicKey


class ImportKeyPair(StrictBody):
    keypair: ImportedKeyPair


class KeyPairSummary(Body, kw_only=True):
    name: str
    public_key: str
    fingerprint: str
    type: Annotated[str | Unset, Since("2.2")] = UNSET


class KeyPairCreated(KeyPairSummary, kw_only=True):
    user_id: str
    private_key: str | Unset = UNSET


class KeyPairBody(KeyPairSummary, kw_only=True):
    id: int
    user_id: str
    deleted: bool = False
    created_at: str
    updated_at: str | None = None
    deleted_at: str | None = None


class KeyPairList(Body, kw_only=True):
    keypairs: list[dict[str, KeyPairSummary]]
    keypairs_links: Annotated[list[dict[str, str]] | Unset, Since("2.35")] = UNSET


class KeyPairsApi:
    def __init__(self, compute: ComputeService, database: Database) -> None:
        self._keypairs = compute.keypairs
        self._database = database

    def operations(self) -> list[Operation]:
        all_, one = "/os-keypairs", "/os-keypairs/{name}"

        def create(body: Any, status: int, **versions: Any) -> Operation:
            return Operation(
                "POST",
                all_,
                self.create,
                policy=f"{RULE}:create",
                early=False,
                body=body,
                status=status,
                kind="stream",
                **versions,
            )

        def delete(status: int, **versions: Any) -> Operation:
            rule = f"{RULE}:delete"
            return Operation(
                "DELETE",
                one,
                self.delete,
                policy=rule,
                early=False,
                status=status,
                **versions,
            )

        return [
            Operation("GET", all_, self.index, policy=f"{RULE}:index", early=False),
            create(CreateKeyPair, 200, until="2.1"),
            create(CreateKeyPair, 201, since="2.2", until="2.91"),
            create(ImportKeyPair, 201, since="2.92"),
            Operation("GET", one, self.show, policy=f"{RULE}:show", early=False),
            delete(202, until="2.1"),
            delete(204, since="2.2"),
        ]

    def _user(self, call: Call, asked: str | None) -> str:
        """The user whose keys are meant; another one's only where the rule allows it."""
        user_id = asked or call.principal.user_id
        call.allow({"user_id": user_id})
        return user_id

    def index(self, call: Call, tx: Tx) -> Any:
        user_id = self._user(call, call.query.get("user_id"))
        page = page_of(
            call,
            tx,
            self._keypairs.listing,
            {"user_id": user_id},
            find_marker=lambda name: or_none(lambda: self._keypairs.get(tx, user_id, name)),
        )
        answer = KeyPairList(keypairs=[{"keypair": _summary(row)} for row in page.rows])
        link = next_link(call, page, page.rows[-1].name if page.rows else None)
        if link is not None:
            answer.keypairs_links = [{"rel": "next", "href": link}]
        return answer

    async def create(self, call: Call) -> Any:
        wish: NewKeyPair = call.body.keypair
        user_id = self._user(call, None if wish.user_id is UNSET else wish.user_id)
        kind = "ssh" if wish.type is UNSET else wish.type
        check_name(wish.name, newest=isinstance(wish, ImportedKeyPair))
        made: NewKey | None = None
        if wish.public_key is None:
            await self._database.read(
                lambda tx: self._keypairs.check_new(
                    tx, call.principal.project_id, user_id, wish.name
                )
            )
            made = await pools.HASH(generate, kind, user_id)
        public = made.public_key if made is not None else wish.public_key or ""
        row = await self._database.write(
            lambda tx: self._keypairs.create(tx, user_id, wish.name, kind, public, call.principal),
            name="create key pair",
        )
        body = KeyPairCreated(
            name=row.name,
            public_key=row.public_key,
            fingerprint=row.fingerprint,
            type=row.type,
            user_id=user_id,
            private_key=UNSET if made is None else made.private_key,
        )
        return {"keypair": body}

    def show(self, call: Call, tx: Tx) -> Any:
        user_id = self._user(call, call.query.get("user_id"))
        row = self._keypairs.get(tx, user_id, call.path["name"])
        body = KeyPairBody(
            id=row.id,
            name=row.name,
            public_key=row.public_key,
            fingerprint=row.fingerprint,
            type=row.type,
            user_id=row.user_id,
            created_at=row.created_at,
        )
        return {"keypair": body}

    def delete(self, call: Call, tx: Tx) -> None:
        user_id = self._user(call, call.query.get("user_id"))
        self._keypairs.delete(tx, user_id, call.path["name"], call.principal)


def _summary(row: KeyPairRow) -> KeyPairSummary:
    return KeyPairSummary(
        name=row.name, public_key=row.public_key, fingerprint=row.fingerprint, type=row.type
    )
