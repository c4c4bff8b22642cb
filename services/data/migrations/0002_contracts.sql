-- Who may use what, and what was disclosed.

create table contract (
    contract_id text primary key,
    product text not null references product,
    product_owner text not null,
    service_id text not null,
    version int not null check (version >= 0),
    owner text not null,
    purpose text not null check (purpose <> ''),
    start_at timestamptz not null,
    end_at timestamptz not null,
    state text not null check (state in ('held', 'granted', 'revoked', 'ended', 'released')),
    reason text not null default '',
    journey_id text not null default '',
    created_at timestamptz not null,
    check (end_at > start_at),
    check ((version = 0) = (journey_id = ''))
);
create unique index contract_open on contract (service_id, version, product, lower(purpose)) where state in ('held', 'granted');
create index contract_of_service on contract (service_id, product);
create index contract_of_journey on contract (journey_id) where journey_id <> '';
create index contract_listed on contract (created_at desc, contract_id desc);
create index contract_ending on contract (end_at) where state = 'granted';

-- Live services, as their journeys ended.
create table service (
    service_id text primary key,
    owner text not null
);

-- Connections to this layer, as connectivity says them. A severed one stays: a late word of trust does not bring it back.
create table connection (
    connection_id text primary key,
    subject text not null,
    end_at timestamptz,
    severed boolean not null
);
create index connection_of on connection (subject) where not severed;

create table disclosure (
    id bigint generated always as identity primary key,
    contract_id text not null references contract,
    product text not null,
    product_owner text not null,
    service_id text not null,
    owner text not null,
    subject text not null,
    purpose text not null,
    rpc text not null,
    observations bigint not null check (observations >= 0),
    disclosed_at timestamptz not null
);
create index disclosure_by_product_owner on disclosure (product_owner, id desc);
create index disclosure_by_owner on disclosure (owner, id desc);
