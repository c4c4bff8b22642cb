-- What policy knows of value creators, as governance said it.

create table creator (
    creator_id text primary key,
    kind text not null default '',
    suspended boolean not null default false
);
