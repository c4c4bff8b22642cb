-- What was answered to a write, so that the same request sent again has the same answer and no second effect. Kept 24 hours.

create table idempotent_answer (
    subject text not null,
    rpc text not null,
    request_id text not null,
    body_hash bytea not null,
    answer bytea,  -- null only inside the transaction that works on it
    created_at timestamptz not null,
    primary key (subject, rpc, request_id)
) with (fillfactor = 80);
create index idempotent_answer_old on idempotent_answer (created_at);
