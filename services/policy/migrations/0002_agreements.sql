-- Agreements, their parties with their shares, and who signed for each.

create table agreement (
    agreement_id text primary key,
    title text not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    start_at timestamptz not null,
    end_at timestamptz not null,
    created_at timestamptz not null,
    signed_at timestamptz,
    check (start_at < end_at)
);
create index agreement_listed on agreement (created_at desc, agreement_id desc);

create table party (
    -- The parties own the agreement together.
    agreement_id text not null references agreement,
    owner text not null,
    place int not null,
    basis_points int not null check (basis_points between 0 and 10000),
    signer text,
    signed_at timestamptz,
    primary key (agreement_id, owner),
    unique (agreement_id, place),
    check ((signer is null) = (signed_at is null))
);
create index party_of on party (owner, agreement_id);

create function shares_are_whole() returns trigger language plpgsql as $$
declare
    total bigint;
begin
    select sum(basis_points) into total from party where agreement_id = new.agreement_id;
    if total is distinct from 10000 then
        raise exception 'the shares of agreement % add up to % basis points', new.agreement_id, total using errcode = 'check_violation';
    end if;
    return null;
end $$;
create constraint trigger shares_are_whole after insert or update of basis_points on party deferrable initially deferred
    for each row execute function shares_are_whole();
