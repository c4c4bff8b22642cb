-- The catalogue of data products.

create table product (
    name text primary key,
    owner text not null,
    title text not null,
    description text not null default '',
    classification text not null check (classification in ('open', 'shared')),
    properties jsonb not null,
    things text[] not null default '{}',
    thing_prefix text not null default '',
    zone text not null,
    earliest_at timestamptz,
    retention_days int not null default 0 check (retention_days >= 0),
    consumers text[] not null default '{}',
    state text not null check (state in ('draft', 'published')),
    created_at timestamptz not null
);
create index product_owned on product (owner);

-- Properties that products have declared beside the city's table: one canonical unit each, for good.
create table property (
    name text primary key,
    unit text not null,
    declared_by text not null
);

create table indicator_feed (
    feed_id text primary key,
    product text not null references product,
    property text not null,
    framework text not null,
    code text not null,
    measure text not null,
    unit text not null,
    created_at timestamptz not null,
    -- Two feeds would say two values for one city.
    unique (framework, code, measure)
);
create index indicator_feed_of on indicator_feed (product);
create index indicator_feed_listed on indicator_feed (created_at desc, feed_id desc);
