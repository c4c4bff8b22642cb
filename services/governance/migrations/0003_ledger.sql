-- Prices, uses, and the double-entry ledger.

create table tariff (
    tariff_id text primary key,
    service_id text not null references service,
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
    fee_due text check (fee_due ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    check (ended_at >= started_at)
);
create index subscription_fee_due on subscription (fee_due, subscription_id) where fee_due is not null;

create table used (
    -- A use counts once, whatever event brings it.
    service_id text not null,
    use_id text not null,
    subscription_id text not null references subscription,
    quantity bigint not null check (quantity > 0),
    used_at timestamptz not null,
    primary key (service_id, use_id)
);

create table tier_position (
    subscription_id text not null references subscription,
    period text not null,
    used bigint not null default 0 check (used >= 0),
    charged numeric(38, 9) not null default 0 check (charged >= 0),
    primary key (subscription_id, period)
);
alter table tier_position set (fillfactor = 70);

create table period (
    period text primary key check (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    closed_at timestamptz
);

create function closed_is_final() returns trigger language plpgsql as $$
begin
    if old.closed_at is not null then
        raise exception 'period % is closed', old.period using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger period_closed_is_final before update or delete on period for each row execute function closed_is_final();

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
    reason text not null,
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
    period text not null,
    service_id text not null,
    service_period text not null,
    posted_at timestamptz not null,
    unique (source, leg)
);
create index entry_owned on entry (owner, entry_id desc);
create index entry_account on entry (account, currency);
create index entry_service on entry (service_id, entry_id desc);
create index entry_settled on entry (period, account);
create index entry_charge on entry (charge_id);

-- Nothing is posted to a closed period: the lock makes a settlement wait for what is being posted, and this for a settlement.
create function period_is_open() returns trigger language plpgsql as $$
begin
    perform from period where period = new.period and closed_at is null for key share;
    if not found then
        raise exception 'period % is closed, or was never opened', new.period using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger charge_in_open_period before insert on charge for each row execute function period_is_open();

-- Looked at when the transaction commits, from both sides: no charge without legs, no legs that do not add up to zero.
create function legs_add_up() returns trigger language plpgsql as $$
begin
    if (select count(*) < 2 or count(distinct currency) > 1 or sum(amount) <> 0 from entry where charge_id = new.charge_id) then
        raise exception 'the legs of charge % do not add up to zero', new.charge_id using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
create constraint trigger charge_balanced after insert on charge deferrable initially deferred for each row execute function legs_add_up();
create constraint trigger entry_balanced after insert on entry deferrable initially deferred for each row execute function legs_add_up();

create table statement (
    statement_id text primary key,
    period text not null references period,
    account text not null,
    owner text not null,
    currency text not null,
    total numeric(38, 9) not null,
    lines int not null check (lines > 0),
    closed_at timestamptz not null,
    unique (period, account, currency)
);
create index statement_listed on statement (closed_at desc, statement_id desc);
create index statement_owned on statement (owner, closed_at desc, statement_id desc);

create table statement_line (
    statement_id text not null references statement,
    number int not null check (number > 0),
    service_id text not null,
    service_period text not null,
    entries int not null check (entries > 0),
    exact numeric(38, 9) not null,
    amount numeric(38, 9) not null,
    primary key (statement_id, number)
);

create function never_changed() returns trigger language plpgsql as $$
begin
    raise exception '% is never changed: post a correction', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger tariff_kept before update or delete or truncate on tariff for each statement execute function never_changed();
create trigger charge_kept before update or delete or truncate on charge for each statement execute function never_changed();
create trigger entry_kept before update or delete or truncate on entry for each statement execute function never_changed();
create trigger statement_kept before update or delete or truncate on statement for each statement execute function never_changed();
create trigger statement_line_kept before update or delete or truncate on statement_line for each statement execute function never_changed();

-- Taken from the owner too. What a foreign key points at keeps `update`, which its lock asks for; the triggers refuse it all the same.
revoke delete, truncate on tariff, charge, statement from public, current_user;
revoke update, delete, truncate on entry, statement_line from public, current_user;
