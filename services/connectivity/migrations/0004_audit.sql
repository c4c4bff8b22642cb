-- The audit trail: only ever added to. Seals lie beside the records, so that sealing changes no record.

create table audit (
    number bigint generated always as identity primary key,
    recorded_at timestamptz not null,
    subject text not null,
    action text not null,
    object text not null,
    outcome text not null check (outcome in ('done', 'denied')),
    detail jsonb not null
);
create index audit_by_subject on audit (subject, number desc);
create index audit_by_object on audit (object, number desc);
create index audit_by_time on audit (recorded_at);

create table seal (
    number bigint primary key check (number > 0),
    hash text not null check (hash ~ '^[0-9a-f]{64}$'),
    records int not null check (records > 0),
    sealed_at timestamptz not null
);

create table sealed (
    number bigint primary key references audit,
    seal bigint not null references seal
);
create index sealed_under on sealed (seal, number);

-- What is written here but not sealed yet; a sealed number leaves it. Numbers may become visible out of order, so no high-water mark would do.
create table unsealed (
    number bigint primary key references audit
);

create function note_unsealed() returns trigger language plpgsql as $$
begin
    insert into unsealed (number) values (new.number);
    return null;
end $$;
create trigger audit_unsealed after insert on audit for each row execute function note_unsealed();

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is only added to';
end $$;
create trigger audit_stays before update or delete or truncate on audit for each statement execute function refuse_change();
create trigger seal_stays before update or delete or truncate on seal for each statement execute function refuse_change();
create trigger sealed_stays before update or delete or truncate on sealed for each statement execute function refuse_change();
