"""${message}."""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "op.execute()"}


def downgrade() -> None:
    """Go back to the revision before; refuse where events would be lost."""
    ${downgrades if downgrades else "op.execute()"}
