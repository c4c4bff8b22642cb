-- What may run, and what is to run. A job makes the world like these rows.

create table artefact (
    name text not null,
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    folder text not null,
    argv text[] not null check (cardinality(argv) > 0),
    registered_at timestamptz not null,
    -- The one that later deployments run; a deployment goes on with the sum it began with.
    current boolean not null,
    primary key (name, sha256)
);
create unique index artefact_current on artefact (name) where current;

create table deployment (
    journey_id text primary key,
    service_id text not null,
    version int not null check (version > 0),
    owner text not null,
    generation int not null default 1 check (generation > 0),
    wanted text not null check (wanted in ('running', 'gone')),
    state text not null check (state in ('asked', 'starting', 'ready', 'degraded', 'failed', 'retired')),
    artefact text not null,
    sha256 text not null,
    health text not null,
    pool text not null references pool (name),
    cpu_millis int not null,
    memory_mib int not null,
    replicas int not null,
    -- The question that awaits its answer: a StageRequested; null once answered.
    question bytea,
    port int check (port between 1 and 65535),
    pid int,
    started double precision,
    subject text not null default '',
    public_key text not null default '',
    deaths int not null default 0,
    misses int not null default 0,
    start_at timestamptz,
    started_at timestamptz,
    ready_at timestamptz,
    answered_at timestamptz,
    stop_at timestamptz,
    look_at timestamptz not null,
    endpoint text not null default '',
    message text not null default '',
    used_cpu_millis int not null default 0,
    used_memory_mib int not null default 0,
    looked_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- The transaction of the last change that watchers are shown.
    changed xid8 not null,
    foreign key (artefact, sha256) references artefact (name, sha256),
    check ((pid is null) = (started is null)),
    check (state <> 'retired' or (pid is null and port is null and wanted = 'gone'))
);
alter table deployment set (fillfactor = 70);
create unique index deployment_port on deployment (port);
create unique index deployment_wanted on deployment (service_id, version) where wanted = 'running';
create index deployment_tended on deployment (journey_id) where state <> 'retired';
create index deployment_listed on deployment (created_at desc, journey_id desc);
create index deployment_owned on deployment (owner, created_at desc, journey_id desc);
create index deployment_changed on deployment (changed, journey_id);
