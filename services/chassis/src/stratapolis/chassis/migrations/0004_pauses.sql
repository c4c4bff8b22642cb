-- Topics that this app has stopped to hear, for all its processes; a row stays when the pause is over.

create table pause (
    topic text primary key,
    -- Null: not paused.
    paused_at timestamptz,
    error text not null default '',
    probe_at timestamptz,
    -- Dead letters that an operator lets by before it may be paused again.
    allowed int not null default 0 check (allowed >= 0)
);
