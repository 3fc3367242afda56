"""The tables of a timeline database, and nothing else.

Every key begins with the timeline, so that a distributed Postgres can shard by it. An open end is a range without a
bound; `infinity` is never stored. The migrations are frozen texts of their own: a test proves that they build what
stands here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSON, TSTZRANGE

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

read_models = Table(
    "read_models",
    metadata,
    Column("timeline", Name, comment="timeline that the view is of"),
    Column(
        "model",
        BigInteger,
        Identity(always=True),
        nullable=False,
        comment="number of the model: its tables are rows_N and keys_N",
    ),
    Column("view", Name, nullable=False, comment="name of the view"),
    Column("version", Integer, nullable=False, comment="version of the projection that folded it"),
    Column(
        "form",
        Name,
        nullable=False,
        comment="the projection and its kinds, each with its version: another one is built anew",
    ),
    Column(
        "position",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="position of the last event that is in it",
    ),
    Column(
        "serving",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="whether questions are answered from it",
    ),
    Column(
        "paused",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="whether it is left behind the log on purpose",
    ),
    Column(
        "fence",
        BigInteger,
        nullable=False,
        comment="position up to which it was built before it followed the log",
    ),
    Column(
        "gathered",
        ARRAY(BigInteger),
        nullable=False,
        server_default=text("'{NULL,NULL}'"),
        comment="while it is built: up to where the keys of each half of the events have been gathered",
    ),
    Column(
        "folded",
        ARRAY(Name),
        nullable=False,
        server_default=text("'{NULL,NULL}'"),
        comment="while it is built: the last key of each half that has been folded",
    ),
    Column("built", Boolean, nullable=False, server_default=text("false"), comment="whether every key has been folded"),
    Column(
        "retired",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="whether another one answers in its place; it goes when nobody reads it",
    ),
    Column(
        "updated",
        Instant,
        nullable=False,
        server_default=text("clock_timestamp()"),
        comment="when it followed the log last",
    ),
    Column("error", Text, comment="why it could not follow the log last; null where it could"),
    PrimaryKeyConstraint("timeline", "model", name="models_are_numbered_once"),
    ForeignKeyConstraint(["timeline"], [timelines.c.timeline], name="model_belongs_to_a_timeline"),
    CheckConstraint("char_length(view) BETWEEN 1 AND 200", name="view_is_named"),
    CheckConstraint("position >= 0 AND fence >= 0", name="checkpoint_counts_events"),
    comment="The stored views, and how far each has followed its log; those that do not serve are being built",
)
Index(
    "one_model_serves_a_view",
    read_models.c.timeline,
    read_models.c.view,
    unique=True,
    postgresql_where=read_models.c.serving,
)

rows = Table(
    "rows",
    metadata,
    Column("model", BigInteger, nullable=False, comment="model that the row belongs to"),
    Column("key", Name, nullable=False, comment="key of the row"),
    Column("days", DATERANGE, nullable=False, comment="days over which it reads so"),
    Column(
        "known",
        TSTZRANGE,
        nullable=False,
        comment="instants of knowledge over which it reads so on just these days",
    ),
    Column("state", JSON, nullable=False, comment="the state, as answers print it"),
    Column("certain", DATERANGE, nullable=False, comment="days on which every fact behind it surely holds"),
    Column("disputed", Boolean, nullable=False, comment="whether sources contradict one another"),
    Column("facts", ARRAY(Name), nullable=False, comment="the facts behind it, in the order of folding"),
    Column(
        "known_since", Instant, comment="since when the state is so on each of these days; null where the days differ"
    ),
    Column(
        "joined_before",
        Boolean,
        nullable=False,
        comment="whether the state may be the same on the day before, from other facts",
    ),
    Column(
        "joined_after",
        Boolean,
        nullable=False,
        comment="whether the state may be the same on the day after, from other facts",
    ),
    CheckConstraint("NOT isempty(days) AND NOT isempty(known)", name="a_period_lasts"),
    CheckConstraint("NOT lower_inf(known)", name="knowledge_begins"),
    postgresql_partition_by="LIST (model)",
    comment="Rows of the views by period: the days and the instants of knowledge over which each read the same;"
    " timeline.ask gives those of one basis. Who looks here adds model > 0, which is true of every row: the index"
    " of a basis is found by it",
)

keys = Table(
    "keys",
    metadata,
    Column("key", Name, nullable=False, comment="key of a row"),
    Column("fact", Name, nullable=False, comment="a fact of which some version belongs to the key"),
    Column("days", DATERANGE, nullable=False, comment="days within which those versions may hold"),
    comment="The pattern of the tables keys_N: which facts ever belonged to which key of a model",
)

stuck_keys = Table(
    "stuck_keys",
    metadata,
    Column("timeline", Name, comment="timeline of the model"),
    Column("model", BigInteger, comment="model that the key belongs to"),
    Column("key", Name, comment="the key"),
    Column(
        "position",
        BigInteger,
        nullable=False,
        comment="position up to which the log was read when it could not be folded",
    ),
    Column("reason", Text, nullable=False, comment="what the projection said"),
    Column("since", Instant, nullable=False, server_default=text("clock_timestamp()"), comment="when that was found"),
    PrimaryKeyConstraint("timeline", "model", "key", name="keys_are_stuck_once"),
    ForeignKeyConstraint(
        ["timeline", "model"],
        [read_models.c.timeline, read_models.c.model],
        name="stuck_key_belongs_to_a_model",
        ondelete="CASCADE",
    ),
    comment="Keys that a projection cannot fold: they have no rows",
)
