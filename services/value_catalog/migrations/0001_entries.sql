-- What the city offers: entries, hidden until their journey has ended live, and what the other layers say of them.

create table entry (
    service_id text not null,
    version int not null check (version > 0),
    journey_id text not null unique,
    creator_id text not null,
    creator_name text not null,
    name text not null,
    title text not null,
    description text not null,
    category text not null,
    stakeholders text[] not null check (cardinality(stakeholders) > 0),
    -- [{name, framework, code, measure, target}] in the manifest's order: a service without an outcome cannot be stored.
    outcomes jsonb not null check (jsonb_typeof(outcomes) = 'array' and jsonb_array_length(outcomes) > 0),
    outcome_names text not null,
    is_free boolean not null,
    answer_within_hours int check (answer_within_hours > 0),
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    manifest bytea not null,
    shares jsonb not null default '[]',
    endpoint text not null default '',
    state text not null check (state in ('hidden', 'live')),
    prepared_at timestamptz not null,
    published_at timestamptz,
    search tsvector not null generated always as (
        setweight(to_tsvector('english'::regconfig, title), 'A') || setweight(to_tsvector('english'::regconfig, outcome_names), 'B')
        || setweight(to_tsvector('english'::regconfig, category), 'B') || setweight(to_tsvector('english'::regconfig, description), 'C')
    ) stored,
    primary key (service_id, version),
    check ((state = 'live') = (published_at is not null)),
    check ((latitude is null) = (longitude is null))
);
create unique index entry_live on entry (service_id) where state = 'live';
-- Searches are many and publications few: no pending list to read through.
create index entry_search on entry using gin (search) with (fastupdate = off) where state = 'live';
create index entry_outcomes on entry using gin (outcomes jsonb_path_ops) with (fastupdate = off) where state = 'live';
create index entry_browsed on entry (title, service_id) where state = 'live';
create index entry_category on entry (category, title, service_id) where state = 'live';
create index entry_creator on entry (creator_id, title, service_id) where state = 'live';

create function live_is_for_good() returns trigger language plpgsql as $$
begin
    if old.state = 'live' and (tg_op = 'DELETE' or new.state <> 'live' or new.journey_id <> old.journey_id) then
        raise exception 'service % is live by journey %', old.service_id, old.journey_id using errcode = 'integrity_constraint_violation';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger entry_live_is_for_good before update or delete on entry for each row execute function live_is_for_good();

create table measured (
    -- The newest value of an indicator in a scope, as governance says.
    framework text not null,
    code text not null,
    measure text not null,
    scope text not null,
    period text not null,
    revision int not null,
    value text not null,
    unit text not null,
    target text not null,
    measured_at timestamptz not null,
    primary key (framework, code, measure, scope)
);

create table data_contract (
    -- What data a service may use, as the data layer says.
    contract_id text primary key,
    service_id text not null,
    product text not null,
    purpose text not null,
    end_at timestamptz,
    revoked_at timestamptz
);
create index data_contract_of on data_contract (service_id);

create table deployment (
    -- How a service's software is doing, as infrastructure says.
    service_id text not null,
    version int not null,
    state text not null check (state in ('ready', 'degraded', 'failed')),
    endpoint text not null default '',
    message text not null default '',
    updated_at timestamptz not null,
    primary key (service_id, version)
);

create table connection (
    -- Who may record uses, as connectivity says; a severed one stays, so that a late trust does not revive it.
    connection_id text primary key,
    subject text not null,
    end_at timestamptz,
    severed boolean not null
);
create index connection_of on connection (subject) where not severed;

create table rating (
    service_id text primary key,
    ratings bigint not null check (ratings > 0),
    stars bigint not null,
    check (stars between ratings and 5 * ratings)
);

create view shown as
select e.*, d.state as deployment_state, coalesce(d.message, '') as deployment_message, coalesce(nullif(d.endpoint, ''), e.endpoint) as endpoint_now,
    coalesce(r.ratings, 0) as ratings, coalesce(r.stars, 0) as stars,
    (
        select jsonb_agg(o.outcome || jsonb_build_object('measured', to_jsonb(m)) order by o.number)
        from jsonb_array_elements(e.outcomes) with ordinality o(outcome, number)
        left join lateral (
            select v.* from measured v
            where (v.framework, v.code, v.measure) = (o.outcome->>'framework', o.outcome->>'code', o.outcome->>'measure')
              and v.scope in ('city', 'service:' || e.service_id)
            order by v.scope = 'city' limit 1
        ) m on true
    ) as outcomes_now,
    (select coalesce(jsonb_agg(to_jsonb(c) order by c.contract_id), '[]') from data_contract c where c.service_id = e.service_id) as contracts
from entry e
left join deployment d on (d.service_id, d.version) = (e.service_id, e.version)
left join rating r on r.service_id = e.service_id
where e.state = 'live';
