-- Own indicators, targets, measurements, and what the platform measures itself.

create table own_indicator (
    code text not null,
    measure text not null,
    name text not null,
    unit text not null,
    direction text not null check (direction in ('higher_is_better', 'lower_is_better')),
    source text not null,
    defined_by text not null,
    defined_at timestamptz not null,
    primary key (code, measure)
);

create table target (
    framework text not null,
    code text not null,
    measure text not null,
    set_at timestamptz not null,
    value numeric(38, 9) not null,
    source text not null,
    set_by text not null,
    primary key (framework, code, measure, set_at)
);

create table measurement (
    framework text not null,
    code text not null,
    measure text not null,
    scope text not null,
    period text not null,
    revision int not null check (revision > 0),
    value numeric(38, 9) not null,
    unit text not null,
    -- The revision of who computed it, so that a double or an older one is known; 0: recorded by hand.
    source_revision int not null,
    observations bigint not null check (observations >= 0),
    measured_at timestamptz not null,
    primary key (framework, code, measure, scope, period, revision)
);

create table standing (
    framework text not null,
    code text not null,
    measure text not null,
    scope text not null,
    side text not null check (side in ('on', 'off')),
    period text not null,
    off_period text not null,
    primary key (framework, code, measure, scope)
);

create table request_case (
    case_id text primary key,
    service_id text not null,
    opened_at timestamptz,
    due_at timestamptz not null,
    closed_at timestamptz
);
create index request_case_due on request_case (due_at, service_id);
create index request_case_closed on request_case (closed_at, service_id) where closed_at is not null;

create index journey_ended on journey (ended_at) where ended_at is not null;

create table dirty (
    -- What the platform has to measure again.
    code text not null,
    scope text not null,
    day date not null,
    primary key (code, scope, day)
);
