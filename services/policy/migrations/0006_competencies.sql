-- Competencies that value creators have by their members, as innovation said it.

create table competency (
    award_id text primary key,
    creator_id text not null,
    code text not null,
    expires_at timestamptz
);
create index competency_of on competency (creator_id, code);
