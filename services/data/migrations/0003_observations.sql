-- What was observed. One series is one property of one owner's thing, so that nobody can write into, or block, another's.

create table series (
    series_id bigint generated always as identity primary key,
    owner text not null,
    thing text not null,
    property text not null,
    -- The newest observation, by observed_at.
    observed_at timestamptz,
    value numeric(38, 9),
    latitude double precision,
    longitude double precision,
    flags text not null default '',
    unique (owner, thing, property)
) with (fillfactor = 70);
create index series_of on series (owner, property, thing);

-- Partitions by month of observed_at are made before they are needed, by CREATE and ATTACH, which lets reads and writes go on.
-- No foreign key to series: it would cost a fifth of the intake, and a series is never deleted.
create table observation (
    series_id bigint not null,
    observed_at timestamptz not null,
    value numeric(38, 9) not null check (value <> 'NaN'),
    latitude double precision,
    longitude double precision,
    flags text not null default '',
    -- The transaction that wrote the row: streams read what arrived by it, without an index a row.
    txid bigint not null,
    primary key (series_id, observed_at)
) partition by range (observed_at);

create table observation_history (
    id bigint generated always as identity primary key,
    series_id bigint not null,
    observed_at timestamptz not null,
    value numeric(38, 9) not null,
    flags text not null,
    replaced_at timestamptz not null
);
create index observation_history_of on observation_history (series_id, observed_at);

-- What each transaction brought, a row a series: the way of streams to what is new.
create table arrival (
    txid bigint not null,
    series_id bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    arrived_at timestamptz not null,
    primary key (txid, series_id)
);
create index arrival_old on arrival (arrived_at);

-- Raw observations that were refused, with the reason; pruned by age and by number.
create table refused_observation (
    id bigint generated always as identity primary key,
    owner text not null,
    thing text not null,
    property text not null,
    value text not null,
    unit text not null,
    observed_at timestamptz,
    reason text not null,
    message text not null,
    refused_at timestamptz not null
);
create index refused_observation_owned on refused_observation (owner, id desc);

create table intake (
    hour timestamptz not null,
    way text not null check (way in ('raw', 'grpc')),
    accepted bigint not null,
    duplicates bigint not null,
    corrected bigint not null,
    refused bigint not null,
    primary key (hour, way)
) with (fillfactor = 50);

-- Windows of feeds that rows have come for since they were computed. `marks` makes a writer wait for, or keep off, the job that computes.
create table dirty_window (
    feed_id text not null references indicator_feed,
    series_id bigint not null,
    day date not null,
    due_at timestamptz not null,
    marks bigint not null default 1,
    primary key (feed_id, day, series_id)
) with (fillfactor = 70);
create index dirty_window_due on dirty_window (due_at);

create table computed (
    feed_id text not null references indicator_feed,
    scope text not null,
    day date not null,
    revision int not null check (revision > 0),
    value numeric(38, 9) not null,
    observations bigint not null check (observations > 0),
    computed_at timestamptz not null,
    primary key (feed_id, day, scope)
);

-- How far arrivals have been forgotten: a cursor from before it has missed some.
create table arrivals_forgotten (
    one boolean primary key default true check (one),
    forgotten bigint not null
);
insert into arrivals_forgotten (forgotten) values (0);
