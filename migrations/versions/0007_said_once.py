"""A warning is given once a transaction, not by each part of a plan; and settings are read as the command line reads.

Frozen: this text says what was built then, and imports nothing that may change.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

# Planning calls it as well. What was said is remembered by a setting that goes with the transaction.
SERVING = """
CREATE OR REPLACE FUNCTION timeline.serving_model(view text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    serving bigint;
    lag bigint;
    views text;
    said text := coalesce(current_setting('timeline.said', true), '');
    warning text;
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
        warning := format('the view "%s" is %s %s behind the log', view, lag,
            CASE lag WHEN 1 THEN 'event' ELSE 'events' END);
        IF strpos(said, warning) = 0 THEN
            PERFORM set_config('timeline.said', concat(said, E'\\n', warning), true);
            RAISE WARNING '%', warning;
        END IF;
    END IF;
    RETURN serving;
END
$$
"""

READ = r"""
CREATE OR REPLACE FUNCTION timeline.read_day(given text, setting text) RETURNS date
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    day date;
BEGIN
    IF given ~ '^\d{4}-(0[1-9]|1[0-2])-\d{2}$' AND left(given, 4) BETWEEN '0002' AND '9998' THEN
        day := make_date(left(given, 4)::int, substr(given, 6, 2)::int, 1) + right(given, 2)::int - 1;
    END IF;
    IF to_char(day, 'YYYY-MM-DD') = given THEN
        RETURN day;
    END IF;
    RAISE EXCEPTION '%: there is no day "%"', setting, given
        USING ERRCODE = 'invalid_datetime_format', HINT = format('Write SET %s = ''2023-12-26''', setting);
END
$$;

CREATE OR REPLACE FUNCTION timeline.known_at() RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    given text := trim(coalesce(current_setting('timeline.known', true), ''));
    clock text := '^\d{4}-\d{2}-\d{2}[Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?';
    day date;
BEGIN
    IF given = '' THEN
        RETURN now();
    END IF;
    IF given ~ (clock || '$') THEN
        RAISE EXCEPTION 'timeline.known: "%" does not say in which time zone', given
            USING ERRCODE = 'invalid_datetime_format',
                HINT = format('Write SET timeline.known = ''%sZ'' if it is UTC, or an offset', given);
    END IF;
    day := timeline.read_day(CASE WHEN given ~ clock THEN left(given, 10) ELSE given END, 'timeline.known');
    IF given ~ (clock || '([Zz]|[+-]\d{2}:?\d{2})$') THEN
        RETURN given::timestamptz;
    ELSIF given ~ clock THEN
        day := timeline.read_day(given, 'timeline.known');  -- which says how an instant is not written
    END IF;
    RETURN (day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond';
END
$$
"""


def upgrade() -> None:
    """Replace what warned as often as it was planned, and what took hours and years that nothing else does."""
    op.execute(SERVING)
    op.execute(READ)


def downgrade() -> None:
    """Leave them: what they say and refuse is right for an older program too, and nothing is lost by it."""
