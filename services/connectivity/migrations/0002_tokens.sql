-- The issuer: its keys, and the assertions it has seen. Private keys leave this table for the issuer's memory alone.

create table signing_key (
    kid text primary key,
    private_pem text not null,
    public_pem text not null,
    signs_from timestamptz not null unique
);

create table assertion (
    subject text not null,
    jti text not null,
    expires_at timestamptz not null,
    primary key (subject, jti)
);
create index assertion_expired on assertion (expires_at);
