-- What the layer holds for one version of a service, and how it answered the stages it was asked for (journey.md, Holds).

create table hold (
    service_id text not null,
    version int not null check (version > 0),
    journey_id text not null,
    owner text not null,
    state text not null check (state in ('held', 'active', 'released', 'refused')),
    held jsonb not null default '[]',
    until_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (service_id, version, journey_id),
    check (state in ('held', 'active') or held = '[]')
);
create unique index hold_open on hold (service_id, version) where state in ('held', 'active');
create index hold_due on hold (until_at) where state = 'held';
create index hold_listed on hold (updated_at desc, service_id desc);

create table hold_answer (
    journey_id text not null,
    stage int not null,
    attempt int not null,
    answer bytea,
    primary key (journey_id, stage, attempt)
);
