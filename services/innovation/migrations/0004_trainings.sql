-- Who takes part in trainings, and the competencies they were awarded.

create table enrolment (
    enrolment_id text primary key,
    programme_id text not null references programme,
    subject text not null,
    creator_id text not null default '',
    state text not null check (state in ('enrolled', 'passed', 'failed', 'left')),
    enrolled_at timestamptz not null,
    ended_at timestamptz,
    check ((state = 'enrolled') = (ended_at is null))
);
create unique index enrolment_running on enrolment (programme_id, subject) where ended_at is null;
create index enrolment_listed on enrolment (enrolled_at desc, enrolment_id desc);
create index enrolment_of on enrolment (subject, enrolled_at desc, enrolment_id desc);
create index enrolment_of_creator on enrolment (creator_id, enrolled_at desc, enrolment_id desc) where creator_id <> '';
create trigger enrolment_ended_is_final before update on enrolment for each row execute function ended_is_final();

create table award (
    award_id text primary key,
    enrolment_id text not null unique references enrolment,
    programme_id text not null references programme,
    code text not null,
    name text not null,
    criteria text not null,
    valid_days int not null check (valid_days >= 0),
    subject text not null,
    creator_id text not null default '',
    awarded_at timestamptz not null,
    expires_at timestamptz check (expires_at > awarded_at)
);
create index award_listed on award (awarded_at desc, award_id desc);
create index award_of on award (subject, awarded_at desc, award_id desc);
create index award_of_creator on award (creator_id, awarded_at desc, award_id desc) where creator_id <> '';
