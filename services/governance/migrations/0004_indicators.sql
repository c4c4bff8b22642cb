-- Indicators: definitions and targets beside those that ship, measurements by period and revision, and what the platform measures itself by.

create table definition (
    framework text not null,
    code text not null,
    measure text not null,
    name text not null,
    unit text not null,
    direction text not null check (direction in ('higher_is_better', 'lower_is_better')),
    length text not null check (length in ('day', 'month', 'year')),
    source text not null,
    defined_by text not null,
    defined_at timestamptz not null,
    primary key (framework, code, measure)
);

create table target (
    target_id bigint generated always as identity primary key,
    framework text not null,
    code text not null,
    measure text not null,
    -- Empty: every scope without a target of its own.
    scope text not null,
    value numeric(38, 9) not null,
    source text not null,
    set_by text not null,
    set_at timestamptz not null
);
create index target_of on target (framework, code, measure, scope, target_id desc);

create table series (
    -- An indicator in a scope.
    series_id bigint generated always as identity primary key,
    framework text not null,
    code text not null,
    measure text not null,
    scope text not null,
    -- The newest measured period.
    newest text not null default '',
    unique (framework, code, measure, scope)
) with (fillfactor = 70);
create index series_in on series (scope, framework, code, measure);

create table measurement (
    series_id bigint not null references series,
    period text not null,
    revision int not null check (revision > 0),
    value numeric(38, 9) not null,
    unit text not null,
    target numeric(38, 9),
    side text check (side in ('on', 'off')),
    observations bigint not null check (observations >= 0),
    -- The revision of who computed it, so that a double or an older one is known; 0: it has none.
    source_revision int not null check (source_revision >= 0),
    recorded_by text not null,
    measured_at timestamptz not null,
    primary key (series_id, period, revision),
    check ((target is null) = (side is null))
);

create trigger measurement_kept before update or delete or truncate on measurement for each statement execute function never_changed();

create table excursion (
    -- A span off target, as it was said. Each side is said once of a period, and none is open twice.
    series_id bigint not null references series,
    period text not null,
    value numeric(38, 9) not null,
    target numeric(38, 9) not null,
    unit text not null,
    off_at timestamptz not null,
    recovered_period text,
    recovered_value numeric(38, 9),
    recovered_at timestamptz,
    primary key (series_id, period),
    unique (series_id, recovered_period),
    check (num_nulls(recovered_period, recovered_value, recovered_at) in (0, 3)),
    check (recovered_period >= period)
);
create unique index excursion_open on excursion (series_id) where recovered_period is null;
create index excursion_listed on excursion (off_at desc, series_id, period);

create table asked_request (
    -- A request to a service, as value_catalog says.
    case_id text primary key,
    service_id text not null,
    due_at timestamptz not null,
    -- When it had its last answer; null: none yet.
    ended_at timestamptz,
    -- When it was judged: the moment of the answer if that came in time, else the due time once that has passed.
    judged_at timestamptz
);
create index asked_request_judged on asked_request (judged_at, service_id) where judged_at is not null;

create index used_counted on used (used_at, service_id);
create index journey_ended on journey (ended_at, service_id) where ended_at is not null;

create table to_measure (
    -- What the platform has to measure again: a service's indicator in the quarter of an hour (UTC) of what happened, which no zone's midnight cuts.
    code text not null,
    service_id text not null,
    quarter timestamptz not null,
    marks bigint not null default 1,
    primary key (code, service_id, quarter)
) with (fillfactor = 70);
