-- Programmes, with the zones and trainings that some of them are; who may be a partner, and who is one.

create table programme (
    programme_id text primary key,
    kind text not null check (kind in ('lab', 'innovation_zone', 'training', 'ideation_workshop', 'partnership')),
    title text not null,
    description text not null,
    start_on date not null,
    end_on date not null check (end_on >= start_on),
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    capacity int check (capacity > 0),
    competency_code text,
    competency_name text,
    competency_criteria text,
    competency_valid_days int check (competency_valid_days >= 0),
    seats int check (seats > 0),
    -- Seats taken now: never more than there are, whatever runs at once.
    enrolled int not null default 0 check (enrolled >= 0),
    opened_at timestamptz not null,
    closed_at timestamptz,
    close_reason text not null default '',
    check (enrolled <= coalesce(seats, 0)),
    check ((kind = 'innovation_zone') = (capacity is not null)),
    check (num_nulls(latitude, longitude, capacity) in (0, 3)),
    check ((kind = 'training') = (seats is not null)),
    check (num_nulls(competency_code, competency_name, competency_criteria, competency_valid_days, seats) in (0, 5)),
    check ((closed_at is null) = (close_reason = ''))
);
create index programme_listed on programme (opened_at desc, programme_id desc);

create table partner (
    -- Value creators, as governance said them.
    creator_id text primary key,
    name text not null default '',
    kind text not null default '',
    suspended boolean not null default false
);

create table partnership (
    partnership_id text primary key,
    programme_id text not null references programme,
    creator_id text not null,
    partner_name text not null,
    partner_kind text not null check (partner_kind in ('university', 'company')),
    purpose text not null,
    agreement_id text not null default '',
    registered_at timestamptz not null,
    ended_at timestamptz,
    end_reason text not null default '',
    check ((ended_at is null) = (end_reason = ''))
);
create unique index partnership_running on partnership (programme_id, creator_id) where ended_at is null;
create index partnership_listed on partnership (registered_at desc, partnership_id desc);
create index partnership_of on partnership (creator_id, registered_at desc, partnership_id desc);
