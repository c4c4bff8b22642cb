-- Change of what is live: upgrades, suspension, retirement.

alter table service
    add column state text not null default 'proposed' check (state in ('proposed', 'live', 'suspended', 'retiring', 'retired')),
    add column live_journey_id text references journey,
    add column suspended_at timestamptz,
    add column suspended_why text not null default '',
    add column suspended_by_city boolean not null default false;
update service s set state = 'live', live_journey_id = (select journey_id from journey j where (j.service_id, j.version) = (s.service_id, s.live_version))
where live_version is not null;
-- A version is live in these states and in no other; a suspended service says since when and why.
alter table service
    add check ((state in ('live', 'suspended', 'retiring')) = (live_version is not null)),
    add check ((live_version is null) = (live_journey_id is null)),
    add check ((state = 'suspended') = (suspended_at is not null)),
    add check ((suspended_at is null) = (suspended_why = ''));
create index service_live_of on service (creator_id) where state = 'live';

alter table journey
    add column kind text not null default 'launch' check (kind in ('launch', 'upgrade', 'retirement')),
    add column replaces_version int,
    add column replaces_journey_id text references journey,
    add column drain_until_at timestamptz;
alter table journey alter column kind drop default;

-- A launch replaces nothing, the others one version, which is earlier than an upgrade's and a retirement's very own.
alter table journey
    add check ((kind = 'launch') = (replaces_version is null)),
    add check ((replaces_version is null) = (replaces_journey_id is null)),
    add check (kind <> 'upgrade' or replaces_version < version),
    add check (kind <> 'retirement' or replaces_version = version),
    add check (drain_until_at is null or (kind = 'upgrade' and state = 'live'));
alter table journey drop constraint journey_service_id_version_key;
create unique index journey_of_version on journey (service_id, version) where kind <> 'retirement';

alter table journey drop constraint journey_state_check;
alter table journey drop constraint journey_stage_check;
alter table journey drop constraint journey_check;
alter table journey
    add constraint journey_state_check check (state in
        ('clearing', 'deciding', 'deploying', 'connecting', 'listing', 'retiring', 'refusing', 'live', 'rejected', 'withdrawn', 'retired')),
    add constraint journey_stage_check check (stage in ('clearing', 'deciding', 'deploying', 'connecting', 'listing', 'retiring')),
    add constraint journey_check check ((state in ('live', 'rejected', 'withdrawn', 'retired')) = (ended_at is not null)),
    add check ((kind = 'retirement') = (state in ('retiring', 'retired')));
