"""SQL for everyone: the functions and views by which psql and other programs ask, and who may read.

Frozen: this text says what was built then, and imports nothing that may change.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

# A composite type, and no RETURNS TABLE: its columns keep their collation, without which no key is found by an index.
NAME, NAMES = 'text COLLATE "C"', 'text[] COLLATE "C"'

ANSWER = {
    "key": (NAME, "key of the row"),
    "state": ("json", "what the facts come to"),
    "certainty": (NAME, "certain if every fact behind it surely holds that day, else possible"),
    "disputed": ("boolean", "whether sources contradict one another"),
    "since": ("date", "first day from which the state has been the same without a break; null if open"),
    "until": ("date", "last day up to which the state stays the same without a break; null if open"),
    "known_since": ("timestamptz", "instant from which it has been known to be so on this day"),
    "facts": (NAMES, "the facts behind it, in the order of folding"),
    "behind": ("bigint", "events that are recorded and not yet in this answer; 0 for none"),
    "stuck": ("text", "why the key cannot be folded: what its projection said; such a row has no state"),
}

FACT = {
    "position": ("bigint", "place of the event in its timeline"),
    "fact": (NAME, "identity of the fact"),
    "kind": (NAME, "kind of the fact"),
    "subject": (NAME, "what it is about"),
    "data": ("json", "what it says, as it was recorded"),
    "valid": (NAME, "when it holds, in EDTF as written"),
    "possible": ("daterange", "days on which it may hold"),
    "certain": ("daterange", "days on which it surely holds, perhaps none"),
    "certainty": (NAME, "certain if it surely holds that day, else possible"),
    "known": ("timestamptz", "instant at which the source made it public"),
    "recorded": ("timestamptz", "instant at which this store took it"),
    "said_by": (NAMES, "who said it, then through whom"),
    "modality": (NAME, "asserted, reported, expected, denied or opinion"),
    "polarity": (NAME, "affirmed or negated"),
    "confidence": (NAME, "low, medium or high; null where nobody said"),
    "document": (NAME, "document that it was read from"),
    "quote": ("text", "the words that it was read from"),
    "event": (NAME, "identity of the event: SHA-256 of its content, in hexadecimal"),
    "content": ("json", "the whole event, as it is exported"),
}

# The settings of a session, which a program sets once and every question then follows.
SETTINGS = r"""
CREATE FUNCTION timeline.name() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(current_setting('timeline.name', true), ''), 'main');

CREATE FUNCTION timeline.read_day(given text, setting text) RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    day date;
BEGIN
    IF given ~ '^\d{4}-(0[1-9]|1[0-2])-\d{2}$' THEN
        day := make_date(left(given, 4)::int, substr(given, 6, 2)::int, 1) + right(given, 2)::int - 1;
    END IF;
    IF to_char(day, 'YYYY-MM-DD') = given THEN
        RETURN day;
    END IF;
    RAISE EXCEPTION '%: there is no day "%"', setting, given
        USING ERRCODE = 'invalid_datetime_format', HINT = format('Write SET %s = ''2023-12-26''', setting);
END
$$;

CREATE FUNCTION timeline.on_day() RETURNS date LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    given text := trim(coalesce(current_setting('timeline.on_day', true), ''));
BEGIN
    RETURN CASE given WHEN '' THEN timezone('UTC', now())::date ELSE timeline.read_day(given, 'timeline.on_day') END;
END
$$;

CREATE FUNCTION timeline.known_at() RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    given text := trim(coalesce(current_setting('timeline.known', true), ''));
    clock text := '^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?';
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
$$;

CREATE FUNCTION timeline.head() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    head bigint;
BEGIN
    SELECT t.position INTO head FROM timeline.timelines t WHERE t.timeline = timeline.name();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no timeline named "%"', timeline.name()
            USING ERRCODE = 'undefined_object', HINT = format('Write SET timeline.name = one of: %s',
                (SELECT string_agg(t.timeline, ', ' ORDER BY t.timeline) FROM timeline.timelines t));
    END IF;
    RETURN head;
END
$$
"""

# Not safe in parallel: handing wide rows from one process to another takes longer than finding them.
SERVING = """
CREATE FUNCTION timeline.serving_model(view text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
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
    IF lag > 0 THEN
        RAISE WARNING 'the view "%" is % events behind the log', view, lag;
    END IF;
    RETURN serving;
END
$$
"""

# A period ends where its facts change; the state may go on beyond it, from other facts. A plan for any key and model
# is made once: making it takes longer than walking.
WALKS = """
CREATE FUNCTION timeline.reach(
    model bigint, key text, days daterange, state json, known_at timestamptz, onward boolean
) RETURNS date LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    said text := state::jsonb::text;
    here daterange := days;
    beside date;
    next record;
BEGIN
    LOOP
        beside := CASE WHEN onward THEN upper(here) ELSE lower(here) - 1 END;
        EXIT WHEN beside IS NULL;
        SELECT r.days, CASE WHEN onward THEN r.joined_after ELSE r.joined_before END AS joined INTO next
          FROM timeline.rows r
         WHERE r.model = reach.model AND r.key = reach.key AND r.days @> beside AND r.known @> known_at
           AND r.state::jsonb::text = said;
        EXIT WHEN NOT FOUND;
        here := next.days;
        EXIT WHEN NOT next.joined;
    END LOOP;
    RETURN CASE WHEN onward THEN upper(here) - 1 ELSE lower(here) END;
END
$$;

CREATE FUNCTION timeline.known_since(model bigint, key text, known tstzrange, state json, on_day date)
RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    said text := state::jsonb::text;
    first timestamptz := lower(known);
    next record;
BEGIN
    LOOP
        SELECT r.known, r.known_since INTO next FROM timeline.rows r
         WHERE r.model = known_since.model AND r.key = known_since.key AND r.days @> on_day
           AND r.known @> first - interval '1 microsecond' AND r.state::jsonb::text = said;
        EXIT WHEN NOT FOUND;
        IF next.known_since IS NOT NULL THEN
            RETURN next.known_since;
        END IF;
        first := lower(next.known);
    END LOOP;
    RETURN first;
END
$$
"""

# One SELECT that the planner takes apart: what is asked of the result reaches the indexes of the one partition. Its
# second part is about keys that cannot be folded and so have no rows; the condition that it begins with is looked at
# even where no table holds a row, so that a view that nothing serves is an error and never empty. That models are
# numbered from 1 is said for the index of a basis, which holds the rows that it is true of.
ASK = """
CREATE FUNCTION timeline.behind(view text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    answering bigint := timeline.serving_model(view);
BEGIN
    RETURN timeline.head() - m.position FROM timeline.read_models m
     WHERE m.timeline = timeline.name() AND m.model = answering;
END
$$;

CREATE FUNCTION timeline.ask(
    view text, on_day date DEFAULT timeline.on_day(), known_at timestamptz DEFAULT timeline.known_at()
) RETURNS SETOF timeline.answer LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.key, r.state,
           CASE WHEN r.certain @> ask.on_day THEN 'certain' ELSE 'possible' END COLLATE "C",
           r.disputed,
           CASE WHEN r.joined_before THEN timeline.reach(r.model, r.key, r.days, r.state, ask.known_at, false)
                ELSE lower(r.days) END,
           CASE WHEN r.joined_after THEN timeline.reach(r.model, r.key, r.days, r.state, ask.known_at, true)
                ELSE upper(r.days) - 1 END,
           coalesce(r.known_since, timeline.known_since(r.model, r.key, r.known, r.state, ask.on_day)),
           r.facts,
           (SELECT timeline.behind(ask.view)),
           NULL::text
      FROM timeline.rows r
     WHERE r.model = (SELECT timeline.serving_model(ask.view)) AND r.model > 0
       AND r.days @> ask.on_day AND r.known @> ask.known_at
    UNION ALL
    SELECT s.key, '{}'::json, 'possible'::text COLLATE "C", false, NULL::date, NULL::date, ask.known_at,
           '{}'::text[] COLLATE "C", (SELECT timeline.behind(ask.view)), s.reason
      FROM timeline.stuck_keys s
     WHERE timeline.serving_model(ask.view) IS NOT NULL
       AND s.timeline = timeline.name() AND s.model = timeline.serving_model(ask.view);
END
"""

FACTS = """
CREATE FUNCTION timeline.is_settled(recorded_to bigint) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF recorded_to > timeline.head() THEN
        RAISE EXCEPTION 'position % is still to come: the timeline ends at %', recorded_to, timeline.head()
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Ask by a position that is there, or leave it out';
    END IF;
    RETURN true;
END
$$;

CREATE FUNCTION timeline.facts_as_of(
    on_day date DEFAULT timeline.on_day(), known_at timestamptz DEFAULT timeline.known_at(),
    recorded_to bigint DEFAULT timeline.head()
) RETURNS SETOF timeline.fact LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT e.position, e.fact, e.kind, e.subject,
           e.content -> 'data',
           e.content ->> 'valid',
           e.possible, e.certain,
           CASE WHEN e.certain @> facts_as_of.on_day THEN 'certain' ELSE 'possible' END,
           e.known, e.recorded,
           ARRAY(SELECT json_array_elements_text(e.content -> 'said_by')),
           coalesce(e.content ->> 'modality', 'asserted'),
           coalesce(e.content ->> 'polarity', 'affirmed'),
           e.content ->> 'confidence',
           e.document,
           e.content #>> '{source,quote}',
           encode(e.event, 'hex'), e.content
      FROM (SELECT DISTINCT ON (v.fact) v.* FROM timeline.events v
             WHERE timeline.is_settled(facts_as_of.recorded_to) AND v.timeline = timeline.name()
               AND v.position <= facts_as_of.recorded_to AND v.known <= facts_as_of.known_at
             ORDER BY v.fact, v.known DESC, v.position DESC) e
     WHERE e.action <> 'retract' AND e.possible @> facts_as_of.on_day
     ORDER BY lower(e.possible) NULLS FIRST, e.known, e.position;
END
"""

# What a projection is asked by: made at run time, since plug-ins bring their own.
PUBLISH = """
CREATE FUNCTION timeline.publish(view text, about text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    function_name text := format('timeline.%I', view || '_as_of');
    view_name text := format('timeline.%I', view || '_current');
    part record;
BEGIN
    IF octet_length(view || '_current') > 63 OR view = 'facts' THEN
        RAISE EXCEPTION 'the view "%" cannot be offered in SQL: its name is too long or taken', view
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Rename the view; its name has at most 55 bytes';
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION %s(on_day date DEFAULT timeline.on_day(),'
        ' known_at timestamptz DEFAULT timeline.known_at()) RETURNS SETOF timeline.answer'
        ' LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM timeline.ask(%L, on_day, known_at); END',
        function_name, view);
    EXECUTE format('CREATE OR REPLACE VIEW %s AS SELECT * FROM timeline.ask(%L)', view_name, view);
    EXECUTE format('COMMENT ON FUNCTION %s(date, timestamptz) IS %L', function_name, about);
    EXECUTE format('COMMENT ON VIEW %s IS %L', view_name, about);
    FOR part IN SELECT a.attname AS name, col_description(a.attrelid, a.attnum) AS about FROM pg_attribute a
        WHERE a.attrelid = 'timeline.answer'::regclass AND a.attnum > 0 AND NOT a.attisdropped LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view_name, part.name, part.about);
    END LOOP;
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function_name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO timeline_reader, timeline_writer', function_name);
    EXECUTE format('GRANT SELECT ON %s TO timeline_reader, timeline_writer', view_name);
END
$$
"""

# Limits belong to a login: those of a role that it is a member of do not reach it.
ADMIT = """
CREATE FUNCTION timeline.admit_reader(login text, longest interval DEFAULT '1 minute') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    role record;
BEGIN
    SELECT r.oid, r.rolsuper INTO role FROM pg_roles r WHERE r.rolname = login;
    IF NOT FOUND THEN
        EXECUTE format('CREATE ROLE %I LOGIN', login);
    ELSIF role.rolsuper OR pg_has_role(role.oid, 'timeline_writer', 'MEMBER') THEN
        RAISE EXCEPTION 'the login "%" may do more than read', login
            USING ERRCODE = 'invalid_grant_operation', HINT = 'Name another one, which is made where there is none';
    END IF;
    EXECUTE format('GRANT timeline_reader TO %I', login);
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET default_transaction_read_only = on', login, current_database());
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET statement_timeout = %L', login, current_database(),
        (extract(epoch FROM longest) * 1000)::bigint || 'ms');
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET timezone = ''UTC''', login, current_database());
END
$$
"""

# The role may be another's: then whose it is decides about its limits.
LIMITS = """
DO $$ BEGIN
    ALTER ROLE timeline_reader SET statement_timeout = '60s';
    ALTER ROLE timeline_reader SET default_transaction_read_only = on;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$
"""

FUNCTIONS = {
    "name()": "The timeline that is asked: what was SET as timeline.name, else main",
    "read_day(text, text)": "A day written as 2023-12-26, of the setting that is named; anything else is refused",
    "on_day()": "The day that is asked about: what was SET as timeline.on_day, else today in UTC",
    "known_at()": "The instant whose knowledge is asked for: what was SET as timeline.known_at, a day counting whole in"
    " UTC, else the beginning of this transaction",
    "head()": "The position of the last event of the timeline",
    "serving_model(text)": "The read model that answers for a view; an error where there is none",
    "behind(text)": "How many events are recorded that the read model of a view has not taken in yet",
    "reach(bigint, text, daterange, json, timestamptz, boolean)": "The first day or, onward, the last up to which the"
    " state is that of a period without a break; null where that is open",
    "known_since(bigint, text, tstzrange, json, date)": "The instant from which, on a day, the state has been that of"
    " a period without a break",
    "ask(text, date, timestamptz)": "The rows of a view: what held on a day, from what was known at an instant and has"
    " been recorded. By default today and now, or as timeline.on_day and timeline.known are SET",
    "is_settled(bigint)": "That the timeline has been recorded up to a position; an error where that is still to come",
    "facts_as_of(date, timestamptz, bigint)": "The facts that hold on a day, from what was known at an instant and"
    " recorded up to a position, in the order in which they are folded",
}
"""The functions that a reader may call."""

OWN_FUNCTIONS = {
    "publish(text, text)": "Offers a view in SQL: the function VIEW_as_of and the view VIEW_current",
    "admit_reader(text, interval)": "Lets a login read the timelines and do nothing else, each statement for so long;"
    " makes the login where there is none. Run it as an administrator",
}

COMMENTS = {
    "TYPE timeline.answer": "A row of a view at a basis",
    "TYPE timeline.fact": "A fact that holds at a basis, and the event that states it",
    **{f"FUNCTION timeline.{name}": about for name, about in (FUNCTIONS | OWN_FUNCTIONS).items()},
}


def quoted(text: str) -> str:
    """Return the text as an SQL literal, with the colon kept from being read as the name of a parameter."""
    return "'" + text.replace("'", "''").replace(":", "\\:") + "'"


def upgrade() -> None:
    """Build the types, the functions and the limits of those who read."""
    for name, columns in (("answer", ANSWER), ("fact", FACT)):
        op.execute(
            f"CREATE TYPE timeline.{name} AS ({', '.join(f'{column} {kind}' for column, (kind, _) in columns.items())})"
        )
        for column, (_, comment) in columns.items():
            op.execute(f"COMMENT ON COLUMN timeline.{name}.{column} IS {quoted(comment)}")
    for statement in (SETTINGS, SERVING, WALKS, ASK, FACTS, PUBLISH, ADMIT, LIMITS):
        op.execute(statement)
    for target, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {target} IS {quoted(comment)}")
    for name in (*FUNCTIONS, *OWN_FUNCTIONS):
        op.execute(f"REVOKE ALL ON FUNCTION timeline.{name} FROM PUBLIC")
    for name in FUNCTIONS:
        op.execute(f"GRANT EXECUTE ON FUNCTION timeline.{name} TO timeline_reader, timeline_writer")
    op.execute("GRANT EXECUTE ON FUNCTION timeline.publish(text, text) TO timeline_writer")


def downgrade() -> None:
    """Remove them, with whatever was made of them; they hold nothing."""
    op.execute("DROP TYPE timeline.answer, timeline.fact CASCADE")
    for name in (*FUNCTIONS, *OWN_FUNCTIONS):
        op.execute(f"DROP FUNCTION IF EXISTS timeline.{name} CASCADE")
