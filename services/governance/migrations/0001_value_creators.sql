-- Organisations that offer services, and who acts for them.

create table value_creator (
    creator_id text primary key,
    name text not null,
    kind text not null check (kind in ('department', 'company', 'university', 'community')),
    founding_subject text not null,
    state text not null check (state in ('registered', 'accepted', 'refused', 'suspended')),
    reasons jsonb not null default '[]',
    registered_at timestamptz not null,
    updated_at timestamptz not null,
    check ((state in ('refused', 'suspended')) = (reasons <> '[]'))
);
-- A name that was refused is free again.
create unique index value_creator_named on value_creator (lower(name)) where state <> 'refused';
create index value_creator_listed on value_creator (registered_at desc, creator_id desc);

create table member (
    -- An identity acts for one value creator only: its tokens name one.
    subject text primary key,
    creator_id text not null references value_creator,
    roles text[] not null check (roles <@ '{member,admin}' and roles <> '{}'),
    added_at timestamptz not null
);
create index member_of on member (creator_id, subject);
