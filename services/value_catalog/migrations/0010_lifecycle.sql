-- Change of what is live: entries are replaced, suspended and retired; services are grouped by life events; a watch tells of changes.

drop view shown;
drop trigger entry_live_is_for_good on entry;
drop function live_is_for_good();

alter table entry
    add column life_events text[] not null default '{}',
    add column suspended_why text not null default '',
    -- The transaction of the last change that watchers are shown.
    add column changed xid8 not null default pg_current_xact_id();
alter table entry drop constraint entry_state_check;
alter table entry drop constraint entry_check;
alter table entry
    add constraint entry_state_check check (state in ('hidden', 'live', 'suspended', 'replaced', 'retiring', 'retired')),
    add constraint entry_check check ((state = 'hidden') = (published_at is null)),
    add check (state = 'suspended' or suspended_why = '');

-- Of each service at most one version is shown, whatever its state; a replaced one serves on beside it for a while.
drop index entry_live;
create unique index entry_shown on entry (service_id) where state in ('live', 'suspended', 'retiring', 'retired');
create index entry_life_events on entry using gin (life_events) with (fastupdate = off) where state = 'live';
create index entry_changed on entry (changed, service_id) where state in ('live', 'suspended', 'retiring', 'retired');

-- What was shown goes by its journey and moves on by these steps alone; what is shown, or was promised to be, is not deleted.
create function entry_moves() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.state not in ('hidden', 'replaced', 'retired') then
            raise exception 'service % is % by journey %', old.service_id, old.state, old.journey_id using errcode = 'integrity_constraint_violation';
        end if;
        return old;
    end if;
    if old.state <> 'hidden' and new.journey_id <> old.journey_id or new.state <> old.state and (old.state, new.state) not in (
        ('hidden', 'live'), ('hidden', 'suspended'), ('live', 'suspended'), ('suspended', 'live'), ('live', 'replaced'), ('suspended', 'replaced'),
        ('live', 'retiring'), ('suspended', 'retiring'), ('retiring', 'retired')
    ) then
        raise exception 'service % is % by journey %, which cannot become %', old.service_id, old.state, old.journey_id, new.state
            using errcode = 'integrity_constraint_violation';
    end if;
    if (new.state, new.suspended_why) <> (old.state, old.suspended_why) then
        new.changed := pg_current_xact_id();
    end if;
    return new;
end $$;
create trigger entry_moves before update or delete on entry for each row execute function entry_moves();

create view shown as
select e.*, d.state as deployment_state, coalesce(d.message, '') as deployment_message, coalesce(nullif(d.endpoint, ''), e.endpoint) as endpoint_now,
    coalesce(r.ratings, 0) as ratings, coalesce(r.stars, 0) as stars,
    (
        select jsonb_agg(o.outcome || jsonb_build_object('measured', to_jsonb(m)) order by o.number)
        from jsonb_array_elements(e.outcomes) with ordinality o(outcome, number)
        left join lateral (
            select v.* from measured v
            where (v.framework, v.code, v.measure) = (o.outcome->>'framework', o.outcome->>'code', o.outcome->>'measure')
              and v.scope in ('city', 'service:' || e.service_id)
            order by v.scope = 'city' limit 1
        ) m on true
    ) as outcomes_now,
    (select coalesce(jsonb_agg(to_jsonb(c) order by c.contract_id), '[]') from data_contract c where c.service_id = e.service_id) as contracts
from entry e
left join deployment d on (d.service_id, d.version) = (e.service_id, e.version)
left join rating r on r.service_id = e.service_id
where e.state in ('live', 'suspended', 'retiring', 'retired');
