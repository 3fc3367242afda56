"""The looks at each source: what every snapshot of a list changed, those that were refused included.

Frozen: this text says what was built then, and imports nothing that may change.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

RUNS = """
CREATE TABLE timeline.runs (
    timeline text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    run bigint NOT NULL,
    form text COLLATE "C" NOT NULL,
    known timestamptz NOT NULL,
    recorded timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text COLLATE "C" NOT NULL,
    file bytea NOT NULL,
    rows bigint NOT NULL,
    added bigint NOT NULL,
    amended bigint NOT NULL,
    removed bigint NOT NULL,
    returned bigint NOT NULL,
    first bigint,
    last bigint,
    reason text,
    CONSTRAINT runs_are_numbered_once PRIMARY KEY (timeline, source, run),
    CONSTRAINT run_belongs_to_a_timeline FOREIGN KEY (timeline) REFERENCES timeline.timelines (timeline),
    CONSTRAINT run_begins_with_a_recorded_event FOREIGN KEY (timeline, first)
        REFERENCES timeline.events (timeline, position),
    CONSTRAINT run_ends_with_a_recorded_event FOREIGN KEY (timeline, last)
        REFERENCES timeline.events (timeline, position),
    CONSTRAINT runs_begin_at_one CHECK (run > 0),
    CONSTRAINT source_is_plain CHECK (source ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT form_is_one_of_two CHECK (form IN ('snapshot', 'versions')),
    CONSTRAINT looks_are_dated CHECK (isfinite(known) AND isfinite(recorded)),
    CONSTRAINT file_hash_is_sha256 CHECK (octet_length(file) = 32),
    CONSTRAINT counts_are_not_negative CHECK (least(rows, added, amended, removed, returned) >= 0),
    CONSTRAINT every_event_of_a_run_is_counted CHECK (
        CASE outcome
        WHEN 'recorded' THEN last - first + 1 = added + amended + removed + returned
            AND num_nulls(first, last) = 0 AND reason IS NULL
        WHEN 'unchanged' THEN added + amended + removed + returned = 0 AND num_nonnulls(first, last, reason) = 0
        WHEN 'refused' THEN num_nonnulls(first, last) = 0 AND reason IS NOT NULL
        ELSE false END
    )
)
"""

GRANTS = """
GRANT SELECT ON timeline.runs TO timeline_writer, timeline_reader;
GRANT INSERT ON timeline.runs TO timeline_writer
"""

APPEND_ONLY = """
CREATE TRIGGER log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON timeline.runs
    FOR EACH STATEMENT EXECUTE FUNCTION timeline.refuse_change();
ALTER TABLE timeline.runs ENABLE ALWAYS TRIGGER log_is_append_only
"""

COMMENTS = {
    "TABLE timeline.runs": "The looks at each source: what each snapshot changed; never changed and never deleted",
    "COLUMN timeline.runs.timeline": "timeline that the source belongs to",
    "COLUMN timeline.runs.source": "name of the list that was looked at; its facts are named source/…",
    "COLUMN timeline.runs.run": "number of the look at this source: 1, 2, 3 without gaps",
    "COLUMN timeline.runs.form": "snapshot of a whole list, or versions: a table whose values have dates of their own",
    "COLUMN timeline.runs.known": "instant at which the list read so; of a table, its last version",
    "COLUMN timeline.runs.recorded": "when this store took the look",
    "COLUMN timeline.runs.outcome": "recorded, unchanged or refused",
    "COLUMN timeline.runs.file": "SHA-256 of the file as it was given",
    "COLUMN timeline.runs.rows": "rows read; of a refused look, those up to the refusal",
    "COLUMN timeline.runs.added": "entries that were never there before",
    "COLUMN timeline.runs.amended": "entries that read otherwise than at the look before",
    "COLUMN timeline.runs.removed": "entries that were gone",
    "COLUMN timeline.runs.returned": "entries that had been gone and were back",
    "COLUMN timeline.runs.first": "position of the first event that came of it; null for none",
    "COLUMN timeline.runs.last": "position of the last event that came of it; null for none",
    "COLUMN timeline.runs.reason": "why it was refused; null where it was taken",
    "CONSTRAINT runs_are_numbered_once ON timeline.runs": "a look at a source is kept once",
    "CONSTRAINT run_belongs_to_a_timeline ON timeline.runs": "nothing is recorded outside a timeline",
    "CONSTRAINT run_begins_with_a_recorded_event ON timeline.runs": "what came of a look can be read",
    "CONSTRAINT run_ends_with_a_recorded_event ON timeline.runs": "what came of a look can be read to its end",
    "CONSTRAINT runs_begin_at_one ON timeline.runs": "the first look at a source is number 1",
    "CONSTRAINT source_is_plain ON timeline.runs": "a source holds no slash: its name ends where its facts begin",
    "CONSTRAINT form_is_one_of_two ON timeline.runs": "a look is at a whole list or at a table of versions",
    "CONSTRAINT looks_are_dated ON timeline.runs": "every look was known and recorded at some instant",
    "CONSTRAINT file_hash_is_sha256 ON timeline.runs": "the file can be recognised by its SHA-256",
    "CONSTRAINT counts_are_not_negative ON timeline.runs": "counts count",
    "CONSTRAINT every_event_of_a_run_is_counted ON timeline.runs": "a look that changed something names its events, one"
    " a change; one that was refused says why",
    "TRIGGER log_is_append_only ON timeline.runs": "looks are only ever added",
}


def quoted(text: str) -> str:
    """Return the text as an SQL literal, with the colon kept from being read as the name of a parameter."""
    return "'" + text.replace("'", "''").replace(":", "\\:") + "'"


def upgrade() -> None:
    """Build the table of runs."""
    for statement in (RUNS, GRANTS, APPEND_ONLY):
        op.execute(statement)
    for target, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {target} IS {quoted(comment)}")


def downgrade() -> None:
    """Remove the table if it is empty; runs are never removed by a migration."""
    if op.get_bind().exec_driver_sql("SELECT EXISTS (SELECT FROM timeline.runs)").scalar():
        raise RuntimeError("the database holds runs of sources, which would be lost: back up, then drop them by hand")
    op.execute("DROP TABLE timeline.runs")
