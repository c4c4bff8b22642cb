-- What shows that a database and its topics belong together (docs/hazards/restore.md).

create table topic (
    -- A topic that was deleted and made again has another id.
    name text primary key,
    id text not null
);

create table said (
    -- The first offset of a partition of an own topic whose event this database has not seen acknowledged.
    topic text not null,
    part int not null,
    next bigint not null check (next >= 0),
    primary key (topic, part)
);

create table forgotten (
    -- Events of ours that lie on a topic and that this database, older than they are, did not know when it was told to go on.
    topic text not null,
    part int not null,
    position bigint not null,
    key text not null,
    sequence bigint not null,
    type text not null,
    event_id text not null,
    payload bytea,
    headers jsonb not null,
    noted_at timestamptz not null default now(),
    primary key (topic, part, position)
);
