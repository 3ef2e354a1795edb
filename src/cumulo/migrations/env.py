"""Alembic's entry: run the revisions on the database that `core.db.migrations` names."""

import sqlalchemy as sa
from alembic import context

from cumulo import wiring
from cumulo.core.db.rows import METADATA

wiring.assemblies()  # importing them declares every service's tables


def run() -> None:
    engine = sa.create_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=METADATA,
            render_as_batch=connection.dialect.name == "sqlite",
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
