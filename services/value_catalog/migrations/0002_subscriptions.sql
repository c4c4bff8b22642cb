-- Subscriptions, the uses that count against them, and what subscribers make of it.

create table subscription (
    subscription_id text primary key,
    service_id text not null,
    -- Who offers the service: it sees its subscriptions.
    creator_id text not null,
    service_title text not null,
    subscriber text not null,
    plan text not null,
    started_at timestamptz not null,
    ended_at timestamptz check (ended_at >= started_at),
    end_reason text not null default '',
    check ((ended_at is null) = (end_reason = ''))
);
create unique index subscription_running on subscription (service_id, subscriber, plan) where ended_at is null;
create index subscription_of_subscriber on subscription (subscriber, started_at desc, subscription_id desc);
create index subscription_of_service on subscription (service_id, started_at desc, subscription_id desc);
create index subscription_of_creator on subscription (creator_id, started_at desc, subscription_id desc);
create index subscription_listed on subscription (started_at desc, subscription_id desc);

create table recorded_use (
    service_id text not null,
    use_id text not null,
    subscription_id text not null references subscription,
    quantity bigint not null check (quantity > 0),
    used_at timestamptz not null,
    recorded_at timestamptz not null,
    primary key (service_id, use_id)
);

create function recorded_is_final() returns trigger language plpgsql as $$
begin
    raise exception 'a recorded use is never changed' using errcode = 'integrity_constraint_violation';
end $$;
create trigger recorded_use_is_final before update or delete on recorded_use for each row execute function recorded_is_final();

create table feedback (
    feedback_id text primary key,
    service_id text not null,
    creator_id text not null,
    subscriber text not null,
    rating int not null check (rating between 1 and 5),
    comment text not null,
    given_at timestamptz not null,
    updated_at timestamptz not null,
    unique (service_id, subscriber)
);
create index feedback_of_service on feedback (service_id, given_at desc, feedback_id desc);
create index feedback_of_creator on feedback (creator_id, given_at desc, feedback_id desc);
create index feedback_of_subscriber on feedback (subscriber, given_at desc, feedback_id desc);
create index feedback_listed on feedback (given_at desc, feedback_id desc);
