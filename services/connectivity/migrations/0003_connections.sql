-- Who may use what, and the registry of devices.

create table connection (
    connection_id text primary key,
    subject text not null references identity,
    target text not null,
    scope text not null,
    owner text not null,
    state text not null check (state in ('asked', 'trusted', 'severed')),
    service_id text not null default '',
    version int not null default 0,
    end_at timestamptz,
    reason text not null default '' check ((reason <> '') = (state = 'severed')),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check (service_id <> '' or end_at is not null)
);
-- A service's versions each have their own; by hand there is one for each use.
create unique index connection_open on connection (subject, target, scope, service_id, version) where state <> 'severed';
create index connection_listed on connection (created_at desc, connection_id desc);
create index connection_of_subject on connection (subject);
create index connection_of_target on connection (target) where state <> 'severed';
create index connection_of_service on connection (service_id, version) where service_id <> '';
create index connection_ending on connection (end_at) where state = 'trusted';

create table device (
    thing text primary key references identity,
    owner text not null,
    type text not null,
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    properties text[] not null check (cardinality(properties) > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check ((latitude is null) = (longitude is null))
);
create index device_listed on device (created_at desc, thing desc);
create index device_owned on device (owner);
