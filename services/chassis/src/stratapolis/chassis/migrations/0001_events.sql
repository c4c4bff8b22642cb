-- What every app keeps of its events: where it stands, what it has applied, what it could not apply, what it says.

create table cluster (
    -- Positions mean nothing on another cluster: its id stands beside them.
    one boolean primary key default true check (one),
    id text not null
);

create table position (
    topic text not null,
    part int not null,
    next bigint not null check (next >= 0),
    primary key (topic, part)
);

create table inbox (
    topic text not null,
    key text not null,
    last bigint not null default 0,
    parked boolean not null default false,
    primary key (topic, key)
);

create table dead_letter (
    id bigint generated always as identity primary key,
    topic text not null,
    part int not null,
    position bigint not null,
    key text,
    sequence bigint,
    type text not null default '',
    payload bytea,
    headers jsonb not null default '[]',
    error text not null default '',
    attempts int not null default 0,
    state text not null check (state in ('dead', 'waiting', 'redriven', 'discarded')),
    resolution text not null default '',
    created_at timestamptz not null,
    resolved_at timestamptz,
    unique (topic, part, position)
);
create index dead_letter_open on dead_letter (topic, key, id) where state in ('dead', 'waiting');

create table outbox_sequence (
    topic text not null,
    key text not null,
    last bigint not null,
    primary key (topic, key)
);

create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    key text not null,
    sequence bigint not null,
    payload bytea not null,
    headers jsonb not null,
    created_at timestamptz not null,
    published_at timestamptz,
    unique (topic, key, sequence)
);
create index outbox_unpublished on outbox (id) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;
alter table outbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
alter table inbox set (fillfactor = 70);
alter table outbox_sequence set (fillfactor = 70);
