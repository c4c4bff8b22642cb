-- Services by their names, and the journeys of their proposals.

create table service (
    service_id text primary key,
    creator_id text not null references value_creator,
    name text not null,
    last_version int not null default 0 check (last_version >= 0),
    live_version int check (live_version <= last_version),
    unique (creator_id, name)
);

create table journey (
    journey_id text primary key,
    service_id text not null references service,
    version int not null check (version > 0),
    creator_id text not null references value_creator,
    creator_name text not null,
    name text not null,
    tariff_id text not null unique,
    has_software boolean not null,
    state text not null check (state in ('clearing', 'deciding', 'deploying', 'connecting', 'listing', 'refusing', 'live', 'rejected', 'withdrawn')),
    stage text not null check (stage in ('clearing', 'deciding', 'deploying', 'connecting', 'listing')),
    approved boolean not null,
    steps int not null check (steps > 0),
    asks jsonb not null,
    reasons jsonb not null,
    proposed_at timestamptz not null,
    updated_at timestamptz not null,
    until_at timestamptz,
    ended_at timestamptz,
    unique (service_id, version),
    -- A waiting state has a deadline, an end has none; a rejection has reasons, a live service has none.
    check ((state in ('live', 'rejected', 'withdrawn')) = (ended_at is not null)),
    check ((ended_at is null) = (until_at is not null)),
    check (state not in ('refusing', 'rejected') or reasons <> '[]'),
    check (state <> 'live' or reasons = '[]')
);
create unique index journey_open on journey (service_id) where ended_at is null;
create index journey_due on journey (until_at) where ended_at is null;
create index journey_open_of on journey (creator_id) where ended_at is null;
create index journey_listed on journey (proposed_at desc, journey_id desc);
create index journey_listed_of on journey (creator_id, proposed_at desc, journey_id desc);
alter table journey set (fillfactor = 70);

create function ended_is_final() returns trigger language plpgsql as $$
begin
    if old.ended_at is not null and (new.state, new.ended_at, new.reasons) is distinct from (old.state, old.ended_at, old.reasons) then
        raise exception 'journey % has ended: %', old.journey_id, old.state using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger journey_ended_is_final before update on journey for each row execute function ended_is_final();

create table proposal (
    -- The manifest as a message and as it was written; apart, so that a journey's updates stay small.
    journey_id text primary key references journey,
    manifest bytea not null,
    manifest_yaml bytea not null
);

create table step (
    journey_id text not null references journey,
    number int not null check (number > 0),
    kind text not null,
    at timestamptz not null,
    detail jsonb not null,
    primary key (journey_id, number)
);
