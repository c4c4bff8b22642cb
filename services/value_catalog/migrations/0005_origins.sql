-- Where an entry comes from: {idea_id, idea_title, challenge_id, pilot_id, evidence}, or nothing.

alter table entry add column origin jsonb;

-- The same view, with the column that `entry` took in.
drop view shown;
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
where e.state = 'live';
