-- Pilots in their zones, their testers' consents, and what was measured: the only evidence there is.

create table measurement (
    -- Values of indicators, as governance said them: the newest revision of each period.
    framework text not null,
    code text not null,
    measure text not null,
    scope text not null,
    period text not null,
    first_on date not null,
    last_on date not null check (last_on >= first_on),
    revision int not null,
    value numeric not null,
    unit text not null,
    primary key (framework, code, measure, scope, period)
);
create index measurement_by_day on measurement (framework, code, measure, scope, first_on);

create table zone_day (
    zone_id text not null references programme,
    day date not null,
    capacity int not null,
    taken int not null,
    primary key (zone_id, day),
    -- Never past capacity, whatever runs at once.
    check (taken between 0 and capacity)
);

create table pilot (
    pilot_id text primary key,
    idea_id text not null references idea,
    zone_id text not null references programme,
    lead text not null,
    start_on date not null,
    end_on date not null check (end_on between start_on and start_on + 365),
    places int not null check (places > 0),
    statement text not null,
    framework text not null,
    code text not null,
    measure text not null,
    scope text not null,
    comparison text not null check (comparison in ('at_most', 'at_least')),
    expected numeric not null,
    consent_statement text not null,
    testers int not null default 0,
    state text not null check (state in ('booked', 'running', 'completed', 'cancelled')),
    booked_at timestamptz not null,
    began_at timestamptz,
    ended_at timestamptz,
    -- The city's day on which it ended: the days after it are free again, and that day too where it was cancelled.
    ended_on date,
    verdict text check (verdict in ('confirmed', 'refuted')),
    mean numeric,
    evidence jsonb not null default '[]',
    baseline jsonb,
    conclusion text not null default '',
    cancel_reason text not null default '',
    unique (idea_id, pilot_id, verdict),
    check (testers between 0 and places),
    check ((state in ('completed', 'cancelled')) = (ended_at is not null)),
    check ((ended_at is null) = (ended_on is null)),
    -- A result rests on something that was measured.
    check ((state = 'completed') = (verdict is not null)),
    check ((verdict is null) = (mean is null)),
    check ((verdict is null) = (evidence = '[]')),
    check (state not in ('running', 'completed') or began_at is not null)
);
create unique index pilot_open on pilot (idea_id) where ended_at is null;
create index pilot_due on pilot (start_on) where state = 'booked';
create index pilot_listed on pilot (booked_at desc, pilot_id desc);
create index pilot_of_idea on pilot (idea_id, booked_at desc, pilot_id desc);
create index pilot_in_zone on pilot (zone_id, booked_at desc, pilot_id desc);
create trigger pilot_ended_is_final before update on pilot for each row execute function ended_is_final();

create function pilot_takes_its_places() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into zone_day as z (zone_id, day, capacity, taken)
        select new.zone_id, d, p.capacity, new.places
        from programme p, generate_series(new.start_on, new.end_on, interval '1 day') d where p.programme_id = new.zone_id order by d
        on conflict (zone_id, day) do update set taken = z.taken + excluded.taken;
    elsif (new.zone_id, new.start_on, new.end_on, new.places) is distinct from (old.zone_id, old.start_on, old.end_on, old.places) then
        raise exception 'the slot of pilot % is booked: cancel it and book another', old.pilot_id using errcode = 'integrity_constraint_violation';
    elsif old.ended_on is null and new.ended_on is not null then
        update zone_day set taken = taken - new.places
        where zone_id = new.zone_id and day between greatest(new.start_on, new.ended_on + (new.state = 'completed')::int) and new.end_on;
    end if;
    return null;
end $$;
create trigger pilot_takes_its_places after insert or update on pilot for each row execute function pilot_takes_its_places();

-- An idea graduates by a pilot of its own that was confirmed, and by nothing else.
alter table idea add column proof text generated always as (case when state = 'graduated' then 'confirmed' end) stored;
alter table idea add foreign key (idea_id, pilot_id, proof) references pilot (idea_id, pilot_id, verdict);

create table consent (
    consent_id text primary key,
    pilot_id text not null references pilot,
    subject text not null,
    statement text not null,
    given_at timestamptz not null,
    withdrawn_at timestamptz check (withdrawn_at >= given_at)
);
create unique index consent_standing on consent (pilot_id, subject) where withdrawn_at is null;
create index consent_of on consent (subject, given_at desc, consent_id desc);
