"""SQL that cannot be answered is an error, never an answer without rows.

Frozen: this text says what was built then, and imports nothing that may change.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

# An old snapshot names a model whose table has gone since. Catalogues are read as they are now, whatever the snapshot.
SERVING = """
CREATE OR REPLACE FUNCTION timeline.serving_model(view text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    serving bigint;
    lag bigint;
    views text;
BEGIN
    SELECT m.model, timeline.head() - m.position INTO serving, lag FROM timeline.read_models m
     WHERE m.timeline = timeline.name() AND m.view = serving_model.view AND m.serving;
    IF NOT FOUND THEN
        PERFORM timeline.head();
        SELECT string_agg(m.view, ', ' ORDER BY m.view) INTO views FROM timeline.read_models m
         WHERE m.timeline = timeline.name() AND m.serving;
        RAISE EXCEPTION 'the timeline "%" has no read model that serves the view "%"', timeline.name(), view
            USING ERRCODE = 'undefined_object', HINT = concat(
                format('Run: timeline --timeline %s views rebuild %s', timeline.name(), view),
                '; there are: ' || views);
    END IF;
    IF to_regclass(format('timeline.rows_%s', serving)) IS NULL THEN
        RAISE EXCEPTION 'what was stored of the view "%" has gone since this transaction began', view
            USING ERRCODE = 'serialization_failure', HINT = format(
                'Begin a new transaction; if that does not help: timeline --timeline %s views rebuild %s',
                timeline.name(), view);
    END IF;
    IF lag > 0 THEN
        RAISE WARNING 'the view "%" is % events behind the log', view, lag;
    END IF;
    RETURN serving;
END
$$
"""

SETTLED = """
CREATE OR REPLACE FUNCTION timeline.is_settled(recorded_to bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF recorded_to NOT BETWEEN 0 AND timeline.head() THEN
        RAISE EXCEPTION 'there is no position %: the timeline ends at %', recorded_to, timeline.head()
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Ask by a position that is there, or leave it out';
    END IF;
    RETURN true;
END
$$
"""

COMMENTS = """
COMMENT ON FUNCTION timeline.known_at() IS 'The instant whose knowledge is asked for: what was SET as timeline.known, a
 day counting whole in UTC, else the beginning of this transaction';
COMMENT ON FUNCTION timeline.is_settled(bigint) IS 'That the timeline has been recorded up to a position; an error where
 it has none such'
"""


def upgrade() -> None:
    """Replace what said nothing; a database that was made before has the functions of then."""
    op.execute(SERVING)
    op.execute(SETTLED)
    op.execute(COMMENTS.replace("\n ", " "))


def downgrade() -> None:
    """Leave them: what they refuse is refused by no older program, and nothing is lost by it."""
