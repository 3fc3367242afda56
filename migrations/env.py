"""Runs the migrations on the connection or engine that `timeline.database.upgrade` hands over.

Two processes may start at once: an advisory lock lets one of them migrate and the other find the work done. It is the
lock that `upgrade` holds already, so that the `alembic` command waits for it as well. Each migration is a transaction.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from timeline.tables import SCHEMA, metadata

ADVISORY_LOCK = int.from_bytes(b"timeline", "big")


def migrate(connection: Connection) -> None:
    """Bring the database to the revision asked for, one process at a time."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    if connection.scalar(text("SELECT to_regnamespace(:name)"), {"name": SCHEMA}) is None:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    connection.commit()  # the lock belongs to the session, not to this transaction
    try:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            version_table_schema=SCHEMA,
            transaction_per_migration=True,
            include_schemas=True,
            include_name=lambda name, type_, _parents: type_ != "schema" or name == SCHEMA,
            autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


def main() -> None:
    """Migrate what was handed over; for the `alembic` command, what TIMELINE_DATABASE_URL names."""
    target = context.config.attributes.get("connection")
    if isinstance(target, Connection):
        migrate(target)
        return
    engine = target or create_engine(os.environ["TIMELINE_DATABASE_URL"], poolclass=NullPool)
    with engine.connect() as connection:
        migrate(connection)


main()
