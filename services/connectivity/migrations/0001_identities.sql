-- Who and what is enrolled, by which keys, and what governance has said of memberships.

create table identity (
    subject text primary key,
    kind text not null check (kind in ('person', 'thing', 'system')),
    state text not null check (state in ('inactive', 'active', 'suspended', 'revoked')),
    owner text not null,
    creator text not null default '',
    display_name text not null default '',
    roles text[] not null default '{}' check (roles <@ array['officer', 'operator', 'policy_admin']),
    cut_at timestamptz,
    held_by_city boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check (kind <> 'thing' or roles = '{}'),
    check (owner = case when creator = '' then subject else creator end)
);
create index identity_listed on identity (created_at desc, subject desc);
create index identity_owned on identity (owner);
create index identity_officers on identity (subject) where state = 'active' and 'officer' = any(roles);

create table credential (
    credential_id text primary key,
    subject text not null references identity,
    public_key_pem text not null,
    thumbprint text not null,
    version int not null default 0,
    created_at timestamptz not null,
    revoked_at timestamptz,
    unique (subject, thumbprint)
);

create table value_creator (
    creator_id text primary key,
    suspended boolean not null
);

-- No reference to identity: governance may say a membership before the identity is enrolled here, or of one that never is.
create table membership (
    creator_id text not null,
    subject text not null,
    roles text[] not null,
    joined_at timestamptz not null,
    primary key (creator_id, subject)
);
create index membership_of on membership (subject);

-- One row, once: the city is founded.
create table founding (
    one boolean primary key default true check (one),
    officer text not null references identity,
    founded_at timestamptz not null
);
