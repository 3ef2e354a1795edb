"""Namespaces of metadata definitions, and the catalogue that a new cloud has."""

from collections.abc import Mapping

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Conflict, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.image.model.metadef import CatalogueRow, NamespaceRow, NamespaceWish, given
from cumulo.image.queries import metadef as queries
from cumulo.image.service.metadef_parts import Associations, Objects, Properties, Tags


class Namespaces:
    """A namespace that a project may not see is not there for it."""

    listing = queries.NAMESPACES

    def get(self, tx: Tx, name: str, who: Principal) -> NamespaceRow:
        row = tx.one(queries.BY_NAME, name=name)
        seen = row is not None and (
            who.is_admin or row.visibility == "public" or row.owner == who.project_id
        )
        if row is None or not seen:
            raise NotFound(f"There is no metadata definition namespace {name}.")
        return row

    def changeable(self, row: NamespaceRow, who: Principal) -> None:
        """Only the owner's project and administrators change a namespace and what it holds."""
        if not who.is_admin and row.owner != who.project_id:
            raise Forbidden(f"The namespace {row.namespace} belongs to another project.")

    def create(self, tx: Tx, wish: NamespaceWish, who: Principal) -> NamespaceRow:
        self._vacant(tx, wish.namespace)
        row = NamespaceRow(
            id=new_id(),
            namespace=wish.namespace,
            display_name=given(wish.display_name, None),
            description=given(wish.description, None),
            visibility=given(wish.visibility, "private"),
            protected=given(wish.protected, False),
            owner=self._owner(wish, who),
            created_at=tx.now,
            updated_at=tx.now,
        )
        tx.insert(row)
        emit(tx, "image.metadef.namespace.create", row.id, principal=who, name=row.namespace)
        return row

    def update(
        self, tx: Tx, row: NamespaceRow, wish: NamespaceWish, who: Principal
    ) -> NamespaceRow:
        """As the API has it, the new namespace is the whole wish: what it leaves out is as in a
        new one."""
        if wish.namespace != row.namespace:
            self._vacant(tx, wish.namespace)
        changed = tx.update(
            row,
            namespace=wish.namespace,
            display_name=given(wish.display_name, None),
            description=given(wish.description, None),
            visibility=given(wish.visibility, "private"),
            protected=given(wish.protected, False),
            owner=self._owner(wish, who),
            updated_at=tx.now,
        )
        emit(tx, "image.metadef.namespace.update", row.id, principal=who, name=wish.namespace)
        return changed

    def delete(self, tx: Tx, row: NamespaceRow, who: Principal) -> None:
        if row.protected:
            raise Forbidden(f"The namespace {row.namespace} is protected and stays.")
        tx.delete(row)
        emit(tx, "image.metadef.namespace.delete", row.id, principal=who, name=row.namespace)

    def _vacant(self, tx: Tx, name: str) -> None:
        if tx.one(queries.BY_NAME, name=name) is not None:
            raise Conflict(f"The metadata definition namespace {name} already exists.")

    def _owner(self, wish: NamespaceWish, who: Principal) -> str | None:
        owner = given(wish.owner, who.project_id)
        if owner != who.project_id and not who.is_admin:
            raise Forbidden(f"You are not permitted to have a namespace owned by '{owner}'.")
        return owner


class Metadefs:
    """Metadata definitions as a whole."""

    def __init__(self) -> None:
        self.namespaces = Namespaces()
        self.objects = Objects()
        self.properties = Properties()
        self.tags = Tags()
        self.associations = Associations()

    def create(self, tx: Tx, wish: NamespaceWish, who: Principal) -> NamespaceRow:
        """A namespace with all that its wish holds."""
        row = self.namespaces.create(tx, wish, who)
        for association in given(wish.resource_type_associations, ()):
            self.associations.create(tx, row, association, who)
        for name, schema in given(wish.properties, {}).items():
            self.properties.create(tx, row, name, schema, who)
        for each in given(wish.objects, ()):
            self.objects.create(tx, row, each, who)
        self.tags.create_many(tx, row, [tag.name for tag in given(wish.tags, ())], who)
        return row

    def loaded(self, tx: Tx) -> set[str]:
        """What of the shipped catalogue was loaded before, whatever became of it."""
        return {row.name for row in tx.all(queries.CATALOGUE)}

    def load(self, tx: Tx, catalogue: Mapping[str, NamespaceWish], who: Principal) -> None:
        """Load what was never loaded; a namespace that somebody made by hand stays theirs."""
        for name, wish in catalogue.items():
            first = tx.insert(CatalogueRow(name, tx.now), ignore_duplicate=True)
            if first and tx.one(queries.BY_NAME, name=wish.namespace) is None:
                self.create(tx, wish, who)
