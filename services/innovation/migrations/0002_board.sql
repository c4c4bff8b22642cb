-- Challenges, the ideas that answer them, their supporters, and the board on which every step of every idea is told.

create table challenge (
    challenge_id text primary key,
    source text not null check (source in ('officer', 'indicator', 'rating')),
    title text not null,
    description text not null,
    framework text not null default '',
    code text not null default '',
    measure text not null default '',
    scope text not null default '',
    service_id text not null default '',
    period text not null default '',
    ideas int not null default 0 check (ideas >= 0),
    opened_at timestamptz not null,
    closed_at timestamptz,
    close_reason text not null default '',
    check ((source = 'officer') = (period = '')),
    check (source <> 'indicator' or (code <> '' and scope <> '')),
    check (source <> 'rating' or service_id <> ''),
    check ((closed_at is null) = (close_reason = ''))
);
-- What opens by itself opens once per period and scope, and not while one about the same thing is open.
create unique index challenge_once on challenge (source, framework, code, measure, scope, service_id, period) where source <> 'officer';
create unique index challenge_open on challenge (source, framework, code, measure, scope, service_id) where source <> 'officer' and closed_at is null;
create index challenge_listed on challenge (opened_at desc, challenge_id desc);
create index challenge_of_service on challenge (service_id, opened_at desc, challenge_id desc) where service_id <> '';

create table rated (
    -- The newest rating of each feedback, and the month it counts in.
    feedback_id text primary key,
    service_id text not null,
    period text not null,
    rating int not null check (rating between 1 and 5)
);

create table score (
    -- The sum of a service's ratings of a month.
    service_id text not null,
    period text not null,
    ratings int not null check (ratings >= 0),
    stars int not null,
    primary key (service_id, period),
    check (stars between ratings and 5 * ratings)
);

create table idea (
    idea_id text primary key,
    -- A value creator's id or a person's subject; told to nobody but itself.
    proposer text not null,
    title text not null,
    description text not null,
    challenge_id text references challenge,
    state text not null check (state in ('submitted', 'refined', 'shortlisted', 'piloting', 'piloted', 'graduated', 'dropped', 'withdrawn')),
    supporters int not null check (supporters >= 0),
    lead text not null default '',
    pilot_id text,
    reason text not null default '',
    submitted_at timestamptz not null,
    updated_at timestamptz not null,
    ended_at timestamptz,
    check ((state in ('graduated', 'dropped', 'withdrawn')) = (ended_at is not null)),
    check (state not in ('shortlisted', 'piloting', 'piloted', 'graduated') or lead <> ''),
    check (state not in ('piloting', 'piloted', 'graduated') or pilot_id is not null)
);
create index idea_listed on idea (supporters desc, idea_id desc);
create index idea_of_challenge on idea (challenge_id, supporters desc, idea_id desc) where challenge_id is not null;
create index idea_of_proposer on idea (proposer, supporters desc, idea_id desc);
alter table idea set (fillfactor = 70);

create function ended_is_final() returns trigger language plpgsql as $$
begin
    if old.ended_at is not null and new is distinct from old then
        raise exception '% has ended: %', tg_table_name, old.state using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger idea_ended_is_final before update on idea for each row execute function ended_is_final();

create table support (
    -- One vote an identity.
    idea_id text not null references idea,
    subject text not null,
    given_at timestamptz not null,
    primary key (idea_id, subject)
);

create table board (
    -- The number of the last step. Its lock makes steps visible in the order of their numbers: whoever reads on from a number misses none.
    one boolean primary key default true check (one),
    last bigint not null
);
insert into board (last) values (0);

create table idea_step (
    number bigint primary key check (number > 0),
    idea_id text not null references idea,
    proposer text not null,
    title text not null,
    kind text not null,
    state text not null,
    supporters int not null,
    message text not null,
    reference text not null,
    at timestamptz not null
);
create index idea_step_of on idea_step (idea_id, number);
create index idea_step_of_proposer on idea_step (proposer, number);

create table workshop (
    workshop_id text primary key,
    programme_id text not null references programme,
    title text not null,
    latitude double precision not null check (latitude between -90 and 90),
    longitude double precision not null check (longitude between -180 and 180),
    start_at timestamptz not null,
    cancelled_at timestamptz,
    cancel_reason text not null default '',
    check ((cancelled_at is null) = (cancel_reason = ''))
);
create index workshop_listed on workshop (start_at desc, workshop_id desc);

create table workshop_idea (
    workshop_id text not null references workshop,
    idea_id text not null references idea,
    primary key (workshop_id, idea_id)
);
create index workshop_idea_of on workshop_idea (idea_id, workshop_id);
