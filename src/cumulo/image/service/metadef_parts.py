"""What a namespace of metadata definitions holds: properties, objects, tags, and the resource
types that it is meant for.

Whether the caller may see and change the namespace was decided before; that nothing of a
protected one goes is decided here.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Conflict, Forbidden, NotFound
from cumulo.image.model.metadef import (
    AssociationRow,
    AssociationWish,
    NamespaceRow,
    ObjectRow,
    ObjectWish,
    PropertyRow,
    PropertySchema,
    ResourceTypeRow,
    TagRow,
    given,
)
from cumulo.image.queries import metadef as queries

P = TypeVar("P", PropertyRow, ObjectRow, TagRow, AssociationRow)


class Parts(Generic[P]):
    """One kind of what namespaces hold, each by its name."""

    kind: ClassVar[Any]
    word: ClassVar[str]

    def get(self, tx: Tx, of: NamespaceRow, name: str) -> P:
        row = tx.get(self.kind, of.id, name)
        if row is None:
            raise NotFound(f"There is no {self.word} {name} in the namespace {of.namespace}.")
        return cast(P, row)

    def all(self, tx: Tx, of: NamespaceRow) -> list[P]:
        """By their names"""
        return tx.all(queries.OF[self.kind], namespace_id=of.id)

    def delete(self, tx: Tx, of: NamespaceRow, name: str, who: Principal) -> None:
        row = self.get(tx, of, name)
        self._deletable(of)
        tx.delete(row)
        self._tell(tx, "delete", of, who, name=name)

    def clear(self, tx: Tx, of: NamespaceRow, who: Principal) -> None:
        """Delete all of them."""
        self._deletable(of)
        tx.run(queries.CLEAR[self.kind], namespace_id=of.id)
        self._tell(tx, "clear", of, who)

    def _add(self, tx: Tx, of: NamespaceRow, row: P, who: Principal) -> P:
        self._vacant(tx, of, row.name)
        tx.insert(row)
        self._tell(tx, "create", of, who, name=row.name)
        return row

    def _change(
        self, tx: Tx, of: NamespaceRow, row: P, who: Principal, name: str, **changes: Any
    ) -> P:
        if name != row.name:
            self._vacant(tx, of, name)
        changed = tx.update(row, name=name, updated_at=tx.now, **changes)
        self._tell(tx, "update", of, who, name=name, old_name=row.name)
        return changed

    def _vacant(self, tx: Tx, of: NamespaceRow, name: str) -> None:
        if tx.get(self.kind, of.id, name) is not None:
            raise Conflict(
                f"The {self.word} {name} already exists in the namespace {of.namespace}."
            )

    def _deletable(self, of: NamespaceRow) -> None:
        if of.protected:
            raise Forbidden(f"The namespace {of.namespace} is protected: what it holds stays.")

    def _tell(self, tx: Tx, verb: str, of: NamespaceRow, who: Principal, **detail: Any) -> None:
        event = f"image.metadef.{self.word.replace(' ', '_')}.{verb}"
        emit(tx, event, of.id, principal=who, namespace=of.namespace, **detail)


class Properties(Parts[PropertyRow]):
    kind = PropertyRow
    word = "property"

    def create(
        self, tx: Tx, of: NamespaceRow, name: str, schema: PropertySchema, who: Principal
    ) -> PropertyRow:
        row = PropertyRow(of.id, name, _nameless(schema), tx.now, tx.now)
        return self._add(tx, of, row, who)

    def update(
        self,
        tx: Tx,
        of: NamespaceRow,
        row: PropertyRow,
        name: str,
        schema: PropertySchema,
        who: Principal,
    ) -> PropertyRow:
        return self._change(tx, of, row, who, name, schema=_nameless(schema))


class Objects(Parts[ObjectRow]):
    kind = ObjectRow
    word = "object"
    listing = queries.OBJECTS

    def create(self, tx: Tx, of: NamespaceRow, wish: ObjectWish, who: Principal) -> ObjectRow:
        row = ObjectRow(of.id, wish.name, **_contents(wish), created_at=tx.now, updated_at=tx.now)
        return self._add(tx, of, row, who)

    def update(
        self, tx: Tx, of: NamespaceRow, row: ObjectRow, wish: ObjectWish, who: Principal
    ) -> ObjectRow:
        return self._change(tx, of, row, who, wish.name, **_contents(wish))


class Tags(Parts[TagRow]):
    kind = TagRow
    word = "tag"
    listing = queries.TAGS

    def create(self, tx: Tx, of: NamespaceRow, name: str, who: Principal) -> TagRow:
        return self._add(tx, of, TagRow(of.id, name, tx.now, tx.now), who)

    def create_many(
        self, tx: Tx, of: NamespaceRow, names: Sequence[str], who: Principal
    ) -> list[TagRow]:
        return [self.create(tx, of, name, who) for name in names]

    def replace(
        self, tx: Tx, of: NamespaceRow, names: Sequence[str], who: Principal
    ) -> list[TagRow]:
        """These instead of those that are there."""
        if self.all(tx, of):
            self.clear(tx, of, who)
        return self.create_many(tx, of, names, who)

    def rename(self, tx: Tx, of: NamespaceRow, row: TagRow, name: str, who: Principal) -> TagRow:
        return self._change(tx, of, row, who, name)


class Associations(Parts[AssociationRow]):
    kind = AssociationRow
    word = "resource type"

    def types(self, tx: Tx) -> list[ResourceTypeRow]:
        """All resource types that any namespace was ever meant for."""
        return tx.all(queries.RESOURCE_TYPES)

    def of_many(
        self, tx: Tx, namespaces: Sequence[NamespaceRow]
    ) -> dict[str, list[AssociationRow]]:
        """By the id of the namespace"""
        found: dict[str, list[AssociationRow]] = {row.id: [] for row in namespaces}
        if found:
            for row in tx.all(queries.ASSOCIATIONS, namespaces=list(found)):
                found[row.namespace_id].append(row)
        return found

    def all(self, tx: Tx, of: NamespaceRow) -> list[AssociationRow]:
        return self.of_many(tx, [of])[of.id]

    def create(
        self, tx: Tx, of: NamespaceRow, wish: AssociationWish, who: Principal
    ) -> AssociationRow:
        """A resource type that nobody named before comes into being with it."""
        tx.insert(ResourceTypeRow(wish.name, tx.now, tx.now), ignore_duplicate=True)
        prefix = given(wish.prefix, None)
        target = given(wish.properties_target, None)
        row = AssociationRow(of.id, wish.name, prefix, target, tx.now, tx.now)
        return self._add(tx, of, row, who)


def _nameless(schema: PropertySchema) -> PropertySchema:
    """What is stored: the name is the row's."""
    known = PropertySchema.__struct_fields__
    return PropertySchema(**{name: getattr(schema, name) for name in known if name != "name"})


def _contents(wish: ObjectWish) -> dict[str, Any]:
    properties = given(wish.properties, {})
    return {
        "description": given(wish.description, None),
        "required": given(wish.required, []),
        "properties": {name: _nameless(schema) for name, schema in properties.items()},
    }
