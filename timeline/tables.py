"""The tables of a timeline database, and nothing else.

Every key begins with the timeline, so that a distributed Postgres can shard by it. An open end is a range without a
bound; `infinity` is never stored. The migrations are frozen texts of their own: a test proves that they build what
stands here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import DATERANGE, JSON

SCHEMA = "timeline"

metadata = MetaData(schema=SCHEMA)

Instant = DateTime(timezone=True)
Name = Text(collation="C")

timelines = Table(
    "timelines",
    metadata,
    Column("timeline", Name, comment="name of the timeline"),
    Column(
        "position",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="position of its last event, 0 for none",
    ),
    Column("recorded", Instant, comment="instant at which its last event was recorded"),
    Column("hash", LargeBinary, nullable=False, comment="hash of its last event, the end of the chain"),
    Column(
        "sealed",
        Instant,
        comment="latest instant that a question was resolved by: no later event is recorded at or before it",
    ),
    Column(
        "created",
        Instant,
        nullable=False,
        server_default=text("clock_timestamp()"),
        comment="when the timeline was made",
    ),
    PrimaryKeyConstraint("timeline", name="timelines_are_named_once"),
    CheckConstraint("timeline ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="name_is_plain"),
    CheckConstraint("position >= 0", name="position_counts_events"),
    CheckConstraint("octet_length(hash) = 32", name="head_hash_is_sha256"),
    comment="The head of each timeline; an append locks its row, so that positions have no gaps and"
    " follow the order of commits",
)

documents = Table(
    "documents",
    metadata,
    Column("timeline", Name, comment="timeline that the document belongs to"),
    Column("document", Name, comment="identity: sha256: and the hash of its text"),
    Column("title", Text, comment="title as printed"),
    Column("publisher", Text, comment="who published it"),
    Column("language", Text, comment="language of the text, a BCP 47 tag"),
    Column("url", Text, comment="where it was published"),
    Column("published", Text, comment="day of publication in EDTF, as precisely as it is known"),
    Column("published_how", Text, comment="how the day of publication is known"),
    Column("text", Text, nullable=False, comment="the text, unchanged"),
    Column(
        "recorded", Instant, nullable=False, server_default=text("clock_timestamp()"), comment="when this store took it"
    ),
    PrimaryKeyConstraint("timeline", "document", name="documents_are_recorded_once"),
    ForeignKeyConstraint(["timeline"], [timelines.c.timeline], name="document_belongs_to_a_timeline"),
    CheckConstraint("document ~ '^sha256:[0-9a-f]{64}$'", name="document_is_named_by_its_hash"),
    comment="Source texts; never changed and never deleted",
)

events = Table(
    "events",
    metadata,
    Column("timeline", Name, comment="timeline that the event belongs to"),
    Column("position", BigInteger, comment="place in the order of the timeline: 1, 2, 3 without gaps"),
    Column("fact", Name, nullable=False, comment="identity of the fact that the event is about"),
    Column("event", LargeBinary, nullable=False, comment="identity: SHA-256 of the content"),
    Column("action", Name, nullable=False, comment="assert, correct or retract"),
    Column("kind", Name, comment="kind of the fact; null for a retraction"),
    Column("subject", Name, comment="what the fact is about; null for a retraction"),
    Column("known", Instant, nullable=False, comment="instant at which the source made it public"),
    Column("recorded", Instant, nullable=False, comment="instant at which this store took it, rising with position"),
    Column("possible", DATERANGE, comment="days on which the fact may hold; null for a retraction"),
    Column("certain", DATERANGE, comment="days on which the fact surely holds, perhaps none; null for a retraction"),
    Column("document", Name, comment="document that the fact was read from"),
    Column(
        "content",
        JSON,
        nullable=False,
        comment="the event in canonical JSON (RFC 8785), byte for byte as it is exported",
    ),
    Column(
        "hash",
        LargeBinary,
        nullable=False,
        comment="SHA-256 of the previous hash, the event, the position and the instant",
    ),
    PrimaryKeyConstraint("timeline", "position", name="positions_are_taken_once"),
    UniqueConstraint("timeline", "fact", "event", name="events_are_recorded_once"),
    UniqueConstraint("timeline", "recorded", name="instants_are_taken_once"),
    ForeignKeyConstraint(["timeline"], [timelines.c.timeline], name="event_belongs_to_a_timeline"),
    ForeignKeyConstraint(
        ["timeline", "document"], [documents.c.timeline, documents.c.document], name="event_quotes_a_recorded_document"
    ),
    CheckConstraint("position > 0", name="positions_begin_at_one"),
    CheckConstraint("octet_length(event) = 32 AND octet_length(hash) = 32", name="hashes_are_sha256"),
    CheckConstraint("action IN ('assert', 'correct', 'retract')", name="action_is_one_of_three"),
    CheckConstraint("char_length(fact) BETWEEN 1 AND 200", name="fact_is_named"),
    CheckConstraint(
        "CASE action WHEN 'retract' THEN num_nonnulls(kind, subject, possible, certain) = 0"
        " ELSE num_nonnulls(kind, subject, possible, certain) = 4 END",
        name="only_a_retraction_states_nothing",
    ),
    CheckConstraint("NOT isempty(possible)", name="a_fact_may_hold_on_some_day"),
    CheckConstraint("isfinite(known) AND isfinite(recorded)", name="instants_are_finite"),
    comment="The log: facts asserted, corrected and retracted; never changed and never deleted",
)

runs = Table(
    "runs",
    metadata,
    Column("timeline", Name, comment="timeline that the source belongs to"),
    Column("source", Name, comment="name of the list that was looked at; its facts are named source/…"),
    Column("run", BigInteger, comment="number of the look at this source: 1, 2, 3 without gaps"),
    Column(
        "form",
        Name,
        nullable=False,
        comment="snapshot of a whole list, or versions: a table whose values have dates of their own",
    ),
    Column("known", Instant, nullable=False, comment="instant at which the list read so; of a table, its last version"),
    Column(
        "recorded",
        Instant,
        nullable=False,
        server_default=text("clock_timestamp()"),
        comment="when this store took the look",
    ),
    Column("outcome", Name, nullable=False, comment="recorded, unchanged or refused"),
    Column("file", LargeBinary, nullable=False, comment="SHA-256 of the file as it was given"),
    Column("rows", BigInteger, nullable=False, comment="rows read; of a refused look, those up to the refusal"),
    Column("added", BigInteger, nullable=False, comment="entries that were never there before"),
    Column("amended", BigInteger, nullable=False, comment="entries that read otherwise than at the look before"),
    Column("removed", BigInteger, nullable=False, comment="entries that were gone"),
    Column("returned", BigInteger, nullable=False, comment="entries that had been gone and were back"),
    Column("first", BigInteger, comment="position of the first event that came of it; null for none"),
    Column("last", BigInteger, comment="position of the last event that came of it; null for none"),
    Column("reason", Text, comment="why it was refused; null where it was taken"),
    PrimaryKeyConstraint("timeline", "source", "run", name="runs_are_numbered_once"),
    ForeignKeyConstraint(["timeline"], [timelines.c.timeline], name="run_belongs_to_a_timeline"),
    ForeignKeyConstraint(
        ["timeline", "first"], [events.c.timeline, events.c.position], name="run_begins_with_a_recorded_event"
    ),
    ForeignKeyConstraint(
        ["timeline", "last"], [events.c.timeline, events.c.position], name="run_ends_with_a_recorded_event"
    ),
    CheckConstraint("run > 0", name="runs_begin_at_one"),
    CheckConstraint("source ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="source_is_plain"),
    CheckConstraint("form IN ('snapshot', 'versions')", name="form_is_one_of_two"),
    CheckConstraint("isfinite(known) AND isfinite(recorded)", name="looks_are_dated"),
    CheckConstraint("octet_length(file) = 32", name="file_hash_is_sha256"),
    CheckConstraint("least(rows, added, amended, removed, returned) >= 0", name="counts_are_not_negative"),
    CheckConstraint(
        "CASE outcome WHEN 'recorded' THEN last - first + 1 = added + amended + removed + returned"
        " AND num_nulls(first, last) = 0 AND reason IS NULL"
        " WHEN 'unchanged' THEN added + amended + removed + returned = 0"
        " AND num_nonnulls(first, last, reason) = 0"
        " WHEN 'refused' THEN num_nonnulls(first, last) = 0 AND reason IS NOT NULL"
        " ELSE false END",
        name="every_event_of_a_run_is_counted",
    ),
    comment="The looks at each source: what each snapshot changed; never changed and never deleted",
)
