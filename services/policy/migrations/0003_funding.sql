-- Money for services: sources, and what each version of a service has of them.

create table funding_source (
    source_id text primary key,
    title text not null,
    kind text not null check (kind in ('municipal_budget', 'grant', 'bond', 'loan', 'sponsor', 'private')),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    amount numeric(38, 9) not null check (amount > 0),
    reserved numeric(38, 9) not null default 0 check (reserved >= 0),
    committed numeric(38, 9) not null default 0 check (committed >= 0),
    start_at timestamptz not null,
    end_at timestamptz not null,
    created_at timestamptz not null,
    check (start_at < end_at),
    -- Never more than there is, whatever runs at once.
    check (reserved + committed <= amount)
);
create index funding_source_listed on funding_source (created_at desc, source_id desc);
alter table funding_source set (fillfactor = 70);

create table reservation (
    source_id text not null references funding_source,
    service_id text not null,
    version int not null check (version > 0),
    amount numeric(38, 9) not null check (amount > 0),
    committed boolean not null default false,
    primary key (service_id, version, source_id)
);
create index reservation_of on reservation (source_id);
