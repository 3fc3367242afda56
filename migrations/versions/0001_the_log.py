"""The log: timelines, documents and events, who may do what with them, and the lock that keeps them unchanged.

Frozen: this text says what was built then, and imports nothing that may change. What comes later is a migration of its
own.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

TIMELINES = """
CREATE TABLE timeline.timelines (
    timeline text COLLATE "C" NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    recorded timestamptz,
    hash bytea NOT NULL,
    sealed timestamptz,
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT timelines_are_named_once PRIMARY KEY (timeline),
    CONSTRAINT name_is_plain CHECK (timeline ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT position_counts_events CHECK (position >= 0),
    CONSTRAINT head_hash_is_sha256 CHECK (octet_length(hash) = 32)
)
"""

DOCUMENTS = """
CREATE TABLE timeline.documents (
    timeline text COLLATE "C" NOT NULL,
    document text COLLATE "C" NOT NULL,
    title text,
    publisher text,
    language text,
    url text,
    published text,
    published_how text,
    text text NOT NULL,
    recorded timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT documents_are_recorded_once PRIMARY KEY (timeline, document),
    CONSTRAINT document_belongs_to_a_timeline FOREIGN KEY (timeline) REFERENCES timeline.timelines (timeline),
    CONSTRAINT document_is_named_by_its_hash CHECK (document ~ '^sha256:[0-9a-f]{64}$')
)
"""

EVENTS = """
CREATE TABLE timeline.events (
    timeline text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    fact text COLLATE "C" NOT NULL,
    event bytea NOT NULL,
    action text COLLATE "C" NOT NULL,
    kind text COLLATE "C",
    subject text COLLATE "C",
    known timestamptz NOT NULL,
    recorded timestamptz NOT NULL,
    possible daterange,
    certain daterange,
    document text COLLATE "C",
    content json NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT positions_are_taken_once PRIMARY KEY (timeline, position),
    CONSTRAINT events_are_recorded_once UNIQUE (timeline, fact, event),
    CONSTRAINT instants_are_taken_once UNIQUE (timeline, recorded),
    CONSTRAINT event_belongs_to_a_timeline FOREIGN KEY (timeline) REFERENCES timeline.timelines (timeline),
    CONSTRAINT event_quotes_a_recorded_document FOREIGN KEY (timeline, document)
        REFERENCES timeline.documents (timeline, document),
    CONSTRAINT positions_begin_at_one CHECK (position > 0),
    CONSTRAINT hashes_are_sha256 CHECK (octet_length(event) = 32 AND octet_length(hash) = 32),
    CONSTRAINT action_is_one_of_three CHECK (action IN ('assert', 'correct', 'retract')),
    CONSTRAINT fact_is_named CHECK (char_length(fact) BETWEEN 1 AND 200),
    CONSTRAINT only_a_retraction_states_nothing CHECK (
        CASE action WHEN 'retract' THEN num_nonnulls(kind, subject, possible, certain) = 0
        ELSE num_nonnulls(kind, subject, possible, certain) = 4 END
    ),
    CONSTRAINT a_fact_may_hold_on_some_day CHECK (NOT isempty(possible)),
    CONSTRAINT instants_are_finite CHECK (isfinite(known) AND isfinite(recorded))
)
"""

# Roles belong to the whole server: another database, or another process just now, may have made them already.
ROLES = """
DO $$
DECLARE
    role_name text;
    membership text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['timeline_writer', 'timeline_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        IF NOT pg_has_role(CURRENT_USER, role_name, membership) THEN
            BEGIN
                EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
            EXCEPTION WHEN unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the user % may not make or take the roles timeline_writer and timeline_reader', CURRENT_USER
        USING ERRCODE = 'insufficient_privilege', HINT = format(
            'An administrator runs once: CREATE ROLE timeline_writer; CREATE ROLE timeline_reader; '
            'GRANT timeline_writer, timeline_reader TO %I;', CURRENT_USER);
END
$$
"""

GRANTS = """
GRANT USAGE ON SCHEMA timeline TO timeline_writer, timeline_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA timeline TO timeline_writer, timeline_reader;
GRANT INSERT ON timeline.timelines, timeline.documents, timeline.events TO timeline_writer;
GRANT UPDATE (position, recorded, hash, sealed) ON timeline.timelines TO timeline_writer
"""

# Privileges keep the writer from changing the log; the triggers are the second lock, which its owner meets as well.
# ALWAYS: not even a session that calls itself a replica passes.
APPEND_ONLY = """
CREATE FUNCTION timeline.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % of timeline.% is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Correct or retract the fact: add an event.';
END
$$;
CREATE TRIGGER log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline.events
    FOR EACH STATEMENT EXECUTE FUNCTION timeline.refuse_change();
CREATE TRIGGER log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline.documents
    FOR EACH STATEMENT EXECUTE FUNCTION timeline.refuse_change();
ALTER TABLE timeline.events ENABLE ALWAYS TRIGGER log_is_append_only;
ALTER TABLE timeline.documents ENABLE ALWAYS TRIGGER log_is_append_only
"""

COMMENTS = {
    "SCHEMA timeline": "Timelines: facts as their sources stated them, and when that was known and recorded",
    "TABLE timeline.alembic_version": "The revision of this schema; timeline db upgrade moves it",
    "COLUMN timeline.alembic_version.version_num": "number of the last migration that ran",
    "CONSTRAINT alembic_version_pkc ON timeline.alembic_version": "a revision is listed once",
    "FUNCTION timeline.refuse_change()": "Refuses every statement that would change or delete what was recorded",
    "TABLE timeline.timelines": "The head of each timeline; an append locks its row, so that positions have no gaps and"
    " follow the order of commits",
    "COLUMN timeline.timelines.timeline": "name of the timeline",
    "COLUMN timeline.timelines.position": "position of its last event, 0 for none",
    "COLUMN timeline.timelines.recorded": "instant at which its last event was recorded",
    "COLUMN timeline.timelines.hash": "hash of its last event, the end of the chain",
    "COLUMN timeline.timelines.sealed": "latest instant that a question was resolved by: no later event is recorded at"
    " or before it",
    "COLUMN timeline.timelines.created": "when the timeline was made",
    "CONSTRAINT timelines_are_named_once ON timeline.timelines": "a name stands for one timeline",
    "CONSTRAINT name_is_plain ON timeline.timelines": "a name needs no quoting in a shell, a URL or a basis token",
    "CONSTRAINT position_counts_events ON timeline.timelines": "the last position is the number of events",
    "CONSTRAINT head_hash_is_sha256 ON timeline.timelines": "the chain is of SHA-256; an empty one ends in the hash of"
    " its name",
    "TABLE timeline.documents": "Source texts; never changed and never deleted",
    "COLUMN timeline.documents.timeline": "timeline that the document belongs to",
    "COLUMN timeline.documents.document": "identity: sha256: and the hash of its text",
    "COLUMN timeline.documents.title": "title as printed",
    "COLUMN timeline.documents.publisher": "who published it",
    "COLUMN timeline.documents.language": "language of the text, a BCP 47 tag",
    "COLUMN timeline.documents.url": "where it was published",
    "COLUMN timeline.documents.published": "day of publication in EDTF, as precisely as it is known",
    "COLUMN timeline.documents.published_how": "how the day of publication is known",
    "COLUMN timeline.documents.text": "the text, unchanged",
    "COLUMN timeline.documents.recorded": "when this store took it",
    "CONSTRAINT documents_are_recorded_once ON timeline.documents": "a text is kept once in a timeline",
    "CONSTRAINT document_belongs_to_a_timeline ON timeline.documents": "nothing is recorded outside a timeline",
    "CONSTRAINT document_is_named_by_its_hash ON timeline.documents": "the identity is that of the text itself",
    "TRIGGER log_is_append_only ON timeline.documents": "documents are only ever added",
    "TABLE timeline.events": "The log: facts asserted, corrected and retracted; never changed and never deleted",
    "COLUMN timeline.events.timeline": "timeline that the event belongs to",
    "COLUMN timeline.events.position": "place in the order of the timeline: 1, 2, 3 without gaps",
    "COLUMN timeline.events.fact": "identity of the fact that the event is about",
    "COLUMN timeline.events.event": "identity: SHA-256 of the content",
    "COLUMN timeline.events.action": "assert, correct or retract",
    "COLUMN timeline.events.kind": "kind of the fact; null for a retraction",
    "COLUMN timeline.events.subject": "what the fact is about; null for a retraction",
    "COLUMN timeline.events.known": "instant at which the source made it public",
    "COLUMN timeline.events.recorded": "instant at which this store took it, rising with position",
    "COLUMN timeline.events.possible": "days on which the fact may hold; null for a retraction",
    "COLUMN timeline.events.certain": "days on which the fact surely holds, perhaps none; null for a retraction",
    "COLUMN timeline.events.document": "document that the fact was read from",
    "COLUMN timeline.events.content": "the event in canonical JSON (RFC 8785), byte for byte as it is exported",
    "COLUMN timeline.events.hash": "SHA-256 of the previous hash, the event, the position and the instant",
    "CONSTRAINT positions_are_taken_once ON timeline.events": "one event a position: the order of a timeline is total",
    "CONSTRAINT events_are_recorded_once ON timeline.events": "recording a known event again adds nothing",
    "CONSTRAINT instants_are_taken_once ON timeline.events": "an instant resolves to one position",
    "CONSTRAINT event_belongs_to_a_timeline ON timeline.events": "nothing is recorded outside a timeline",
    "CONSTRAINT event_quotes_a_recorded_document ON timeline.events": "a source can be read where it is named",
    "CONSTRAINT positions_begin_at_one ON timeline.events": "position 0 is the empty timeline",
    "CONSTRAINT hashes_are_sha256 ON timeline.events": "identity and chain are of SHA-256",
    "CONSTRAINT action_is_one_of_three ON timeline.events": "a fact is asserted, corrected or retracted",
    "CONSTRAINT fact_is_named ON timeline.events": "an identity has 1 to 200 characters",
    "CONSTRAINT only_a_retraction_states_nothing ON timeline.events": "who asserts or corrects states the whole fact",
    "CONSTRAINT a_fact_may_hold_on_some_day ON timeline.events": "a period that ends before it begins is no fact",
    "CONSTRAINT instants_are_finite ON timeline.events": "every event was known and recorded at some instant",
    "TRIGGER log_is_append_only ON timeline.events": "events are only ever added",
}


def quoted(text: str) -> str:
    """Return the text as an SQL literal, with the colon kept from being read as the name of a parameter."""
    return "'" + text.replace("'", "''").replace(":", "\\:") + "'"


def upgrade() -> None:
    """Build the log."""
    for statement in (TIMELINES, DOCUMENTS, EVENTS, ROLES, GRANTS, APPEND_ONLY):
        op.execute(statement)
    for target, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {target} IS {quoted(comment)}")


def downgrade() -> None:
    """Remove the log if it is empty; a log that holds anything is never removed by a migration."""
    if op.get_bind().exec_driver_sql("SELECT EXISTS (SELECT FROM timeline.timelines)").scalar():
        raise RuntimeError("the log holds timelines, which would be lost: back up, then drop the schema by hand")
    op.execute("DROP TABLE timeline.events, timeline.documents, timeline.timelines")
    op.execute("DROP FUNCTION timeline.refuse_change()")
