-- Ideas that have graduated, as innovation said it: what a proposal may come from.

create table origin (
    idea_id text primary key,
    idea_title text not null,
    -- The value creator that may propose the service.
    lead text not null,
    challenge_id text not null,
    pilot_id text not null,
    evidence text not null
);
