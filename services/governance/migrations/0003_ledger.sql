-- Prices, uses, and the double-entry ledger.

create table tariff (
    tariff_id text primary key,
    service_id text not null references service,
    creator_id text not null references value_creator,
    valid_from timestamptz not null,
    currency text not null,
    plans jsonb not null,
    shares jsonb not null,
    unique (service_id, valid_from)
);

create table subscription (
    subscription_id text primary key,
    service_id text not null references service,
    subscriber text not null,
    tariff_id text not null references tariff,
    plan text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    -- The month whose fee is charged next; null where the plan has none, or no more.
    fee_due text,
    check (ended_at >= started_at)
);
create index subscription_fee_due on subscription (fee_due) where fee_due is not null;

create table used (
    -- A use counts once, whatever event brings it.
    service_id text not null,
    use_id text not null,
    subscription_id text not null references subscription,
    quantity bigint not null check (quantity > 0),
    used_at timestamptz not null,
    primary key (service_id, use_id)
);
create index used_at on used (used_at, service_id);

create table tier_position (
    subscription_id text not null references subscription,
    period text not null,
    used bigint not null default 0 check (used >= 0),
    charged numeric(38, 9) not null default 0 check (charged >= 0),
    primary key (subscription_id, period)
);

create table period (
    period text primary key check (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    closed_at timestamptz
);

create table charge (
    charge_id text primary key,
    kind text not null check (kind in ('use', 'fee', 'reversal', 'rounding')),
    source text not null unique,
    service_id text not null,
    subscription_id text not null,
    currency text not null,
    amount numeric(38, 9) not null,
    period text not null references period,
    service_period text not null,
    reason text not null default '',
    posted_at timestamptz not null
);

create table entry (
    entry_id bigint generated always as identity primary key,
    charge_id text not null references charge,
    source text not null,
    leg int not null,
    account text not null,
    owner text not null,
    currency text not null,
    amount numeric(38, 9) not null check (amount <> 0),
    period text not null references period,
    service_id text not null,
    service_period text not null,
    posted_at timestamptz not null,
    unique (source, leg)
);
create index entry_owned on entry (owner, entry_id desc);
create index entry_account on entry (account, currency);
create index entry_settled on entry (period, account);
create index entry_charge on entry (charge_id);

create function legs_add_up() returns trigger language plpgsql as $$
begin
    if exists (select from entry where charge_id = new.charge_id group by currency having sum(amount) <> 0) then
        raise exception 'the legs of charge % do not add up to zero', new.charge_id using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
create constraint trigger entry_balanced after insert on entry deferrable initially deferred for each row execute function legs_add_up();

create function never_changed() returns trigger language plpgsql as $$
begin
    raise exception '% is never changed: post a correction', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger entry_kept before update or delete or truncate on entry for each statement execute function never_changed();
create trigger charge_kept before update or delete or truncate on charge for each statement execute function never_changed();
create trigger tariff_kept before update or delete or truncate on tariff for each statement execute function never_changed();

create function closed_is_final() returns trigger language plpgsql as $$
begin
    if old.closed_at is not null then
        raise exception 'period % is closed', old.period using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger period_closed_is_final before update or delete on period for each row execute function closed_is_final();

create table statement (
    statement_id text primary key,
    period text not null references period,
    account text not null,
    owner text not null,
    currency text not null,
    total numeric(38, 9) not null,
    lines jsonb not null,
    closed_at timestamptz not null,
    unique (period, account, currency)
);
create index statement_owned on statement (owner, closed_at desc, statement_id desc);
create trigger statement_kept before update or delete or truncate on statement for each statement execute function never_changed();
