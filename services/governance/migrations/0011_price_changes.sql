-- A subscription moves to the prices of a new version: to dearer ones with notice, to cheaper ones at once. What was rated stays rated.

create table price_change (
    subscription_id text not null references subscription,
    valid_from timestamptz not null,
    tariff_id text not null references tariff,
    noticed_at timestamptz not null,
    primary key (subscription_id, valid_from)
);
create index price_change_listed on price_change (noticed_at desc, subscription_id desc);

-- Services whose running subscriptions are still to be moved, so many at a time, behind the last one looked at.
create table repricing (
    service_id text primary key references service,
    tariff_id text not null references tariff,
    after text not null default ''
);
create index subscription_running_of on subscription (service_id, subscription_id) where ended_at is null;
