"""The read models: views stored by period, who keeps them, and the keys that cannot be folded.

Frozen: this text says what was built then, and imports nothing that may change.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

READ_MODELS = """
CREATE TABLE timeline.read_models (
    timeline text COLLATE "C" NOT NULL,
    model bigint GENERATED ALWAYS AS IDENTITY,
    view text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    form text COLLATE "C" NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    serving boolean NOT NULL DEFAULT false,
    paused boolean NOT NULL DEFAULT false,
    fence bigint NOT NULL,
    gathered bigint[] NOT NULL DEFAULT '{NULL,NULL}',
    folded text[] COLLATE "C" NOT NULL DEFAULT '{NULL,NULL}',
    built boolean NOT NULL DEFAULT false,
    retired boolean NOT NULL DEFAULT false,
    updated timestamptz NOT NULL DEFAULT clock_timestamp(),
    error text,
    CONSTRAINT models_are_numbered_once PRIMARY KEY (timeline, model),
    CONSTRAINT model_belongs_to_a_timeline FOREIGN KEY (timeline) REFERENCES timeline.timelines (timeline),
    CONSTRAINT view_is_named CHECK (char_length(view) BETWEEN 1 AND 200),
    CONSTRAINT checkpoint_counts_events CHECK (position >= 0 AND fence >= 0)
);
CREATE UNIQUE INDEX one_model_serves_a_view ON timeline.read_models (timeline, view) WHERE serving
"""

# A model is a partition of its own, filled beside the others and attached once it serves.
ROWS = """
CREATE TABLE timeline.rows (
    model bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    days daterange NOT NULL,
    known tstzrange NOT NULL,
    state json NOT NULL,
    certain daterange NOT NULL,
    disputed boolean NOT NULL,
    facts text[] COLLATE "C" NOT NULL,
    known_since timestamptz,
    joined_before boolean NOT NULL,
    joined_after boolean NOT NULL,
    CONSTRAINT a_period_lasts CHECK (NOT isempty(days) AND NOT isempty(known)),
    CONSTRAINT knowledge_begins CHECK (NOT lower_inf(known))
) PARTITION BY LIST (model)
"""

KEYS = """
CREATE TABLE timeline.keys (
    key text COLLATE "C" NOT NULL,
    fact text COLLATE "C" NOT NULL,
    days daterange NOT NULL
)
"""

STUCK = """
CREATE TABLE timeline.stuck_keys (
    timeline text COLLATE "C" NOT NULL,
    model bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT keys_are_stuck_once PRIMARY KEY (timeline, model, key),
    CONSTRAINT stuck_key_belongs_to_a_model FOREIGN KEY (timeline, model)
        REFERENCES timeline.read_models (timeline, model) ON DELETE CASCADE
)
"""

NO_OVERLAP = """
CREATE FUNCTION timeline.refuse_overlap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    -- A row that its own transaction has deleted again is no longer here, and what took its place may be several rows.
    SELECT count(*) AS rows, bool_or(r.days = NEW.days AND r.known = NEW.known) AS here INTO found
      FROM timeline.rows r
     WHERE r.model = NEW.model AND r.key = NEW.key AND r.days && NEW.days AND r.known && NEW.known;
    IF found.here AND found.rows > 1 THEN
        RAISE EXCEPTION 'two periods of the key % overlap at % known %', NEW.key, NEW.days, NEW.known
            USING ERRCODE = 'exclusion_violation', HINT = 'Run: timeline views rebuild';
    END IF;
    RETURN NULL;
END
$$
"""

EXTENSION = """
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS btree_gist;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the user % may not add the extension btree_gist to this database', CURRENT_USER
        USING ERRCODE = 'insufficient_privilege', HINT = 'An administrator runs once: CREATE EXTENSION btree_gist;';
END
$$
"""

# Read models can be dropped and built anew from the log, so who writes them may do as he likes with them.
GRANTS = """
GRANT CREATE ON SCHEMA timeline TO timeline_writer;
ALTER TABLE timeline.rows OWNER TO timeline_writer;
ALTER TABLE timeline.keys OWNER TO timeline_writer;
GRANT SELECT ON timeline.read_models, timeline.rows, timeline.keys, timeline.stuck_keys TO timeline_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON timeline.read_models, timeline.stuck_keys TO timeline_writer
"""

COMMENTS = {
    "TABLE timeline.read_models": "The stored views, and how far each has followed its log; those that do not serve are"
    " being built",
    "COLUMN timeline.read_models.timeline": "timeline that the view is of",
    "COLUMN timeline.read_models.model": "number of the model: its tables are rows_N and keys_N",
    "COLUMN timeline.read_models.view": "name of the view",
    "COLUMN timeline.read_models.version": "version of the projection that folded it",
    "COLUMN timeline.read_models.form": "the projection and its kinds, each with its version: another one is built"
    " anew",
    "COLUMN timeline.read_models.position": "position of the last event that is in it",
    "COLUMN timeline.read_models.serving": "whether questions are answered from it",
    "COLUMN timeline.read_models.paused": "whether it is left behind the log on purpose",
    "COLUMN timeline.read_models.fence": "position up to which it was built before it followed the log",
    "COLUMN timeline.read_models.gathered": "while it is built: up to where the keys of each half of the events have"
    " been gathered",
    "COLUMN timeline.read_models.folded": "while it is built: the last key of each half that has been folded",
    "COLUMN timeline.read_models.built": "whether every key has been folded",
    "COLUMN timeline.read_models.retired": "whether another one answers in its place; it goes when nobody reads it",
    "COLUMN timeline.read_models.updated": "when it followed the log last",
    "COLUMN timeline.read_models.error": "why it could not follow the log last; null where it could",
    "CONSTRAINT models_are_numbered_once ON timeline.read_models": "a number stands for one model",
    "CONSTRAINT model_belongs_to_a_timeline ON timeline.read_models": "nothing is stored outside a timeline",
    "CONSTRAINT view_is_named ON timeline.read_models": "a view has a name",
    "CONSTRAINT checkpoint_counts_events ON timeline.read_models": "the positions are those of events, 0 for none",
    "INDEX timeline.one_model_serves_a_view": "of a view, one model answers",
    "TABLE timeline.rows": "Rows of the views by period: the days and the instants of knowledge over which each read"
    " the same; timeline.ask gives those of one basis. Who looks here adds model > 0, which is true of every row:"
    " the index of a basis is found by it",
    "COLUMN timeline.rows.model": "model that the row belongs to",
    "COLUMN timeline.rows.key": "key of the row",
    "COLUMN timeline.rows.days": "days over which it reads so",
    "COLUMN timeline.rows.known": "instants of knowledge over which it reads so on just these days",
    "COLUMN timeline.rows.state": "the state, as answers print it",
    "COLUMN timeline.rows.certain": "days on which every fact behind it surely holds",
    "COLUMN timeline.rows.disputed": "whether sources contradict one another",
    "COLUMN timeline.rows.facts": "the facts behind it, in the order of folding",
    "COLUMN timeline.rows.known_since": "since when the state is so on each of these days; null where the days differ",
    "COLUMN timeline.rows.joined_before": "whether the state may be the same on the day before, from other facts",
    "COLUMN timeline.rows.joined_after": "whether the state may be the same on the day after, from other facts",
    "CONSTRAINT a_period_lasts ON timeline.rows": "a row reads so on some day, at some instant",
    "CONSTRAINT knowledge_begins ON timeline.rows": "nothing has always been known",
    "TABLE timeline.keys": "The pattern of the tables keys_N: which facts ever belonged to which key of a model",
    "COLUMN timeline.keys.key": "key of a row",
    "COLUMN timeline.keys.fact": "a fact of which some version belongs to the key",
    "COLUMN timeline.keys.days": "days within which those versions may hold",
    "TABLE timeline.stuck_keys": "Keys that a projection cannot fold: they have no rows",
    "COLUMN timeline.stuck_keys.timeline": "timeline of the model",
    "COLUMN timeline.stuck_keys.model": "model that the key belongs to",
    "COLUMN timeline.stuck_keys.key": "the key",
    "COLUMN timeline.stuck_keys.position": "position up to which the log was read when it could not be folded",
    "COLUMN timeline.stuck_keys.reason": "what the projection said",
    "COLUMN timeline.stuck_keys.since": "when that was found",
    "CONSTRAINT keys_are_stuck_once ON timeline.stuck_keys": "a key is listed once",
    "CONSTRAINT stuck_key_belongs_to_a_model ON timeline.stuck_keys": "what is dropped is stuck no more",
    "FUNCTION timeline.refuse_overlap()": "Refuses a row whose days and knowledge overlap those of another of its key",
}


def quoted(text: str) -> str:
    """Return the text as an SQL literal, with the colon kept from being read as the name of a parameter."""
    return "'" + text.replace("'", "''").replace(":", "\\:") + "'"


def upgrade() -> None:
    """Build the tables of the read models."""
    for statement in (EXTENSION, READ_MODELS, ROWS, KEYS, STUCK, NO_OVERLAP, GRANTS):
        op.execute(statement)
    for target, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {target} IS {quoted(comment)}")


def downgrade() -> None:
    """Remove the read models: they can be built anew from the log."""
    op.execute("""
        DO $$
        DECLARE
            model record;
        BEGIN
            FOR model IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'r'
                AND relnamespace = 'timeline'::regnamespace AND relname ~ '^(rows|keys)_[0-9]+$' LOOP
                EXECUTE format('DROP TABLE %s CASCADE', model.name);
            END LOOP;
        END
        $$""")
    op.execute("DROP TABLE timeline.stuck_keys, timeline.rows, timeline.keys, timeline.read_models")
    op.execute("DROP FUNCTION timeline.refuse_overlap()")
    op.execute("REVOKE CREATE ON SCHEMA timeline FROM timeline_writer")
