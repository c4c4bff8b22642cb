-- A version that was replaced serves on until its time is over (journey.md, Upgrade); a layer that lets go of a service may take a while.

alter table hold drop constraint hold_state_check;
alter table hold add constraint hold_state_check check (state in ('held', 'active', 'draining', 'released', 'refused'));
alter table hold drop constraint hold_check;
alter table hold add constraint hold_check check (state in ('held', 'active', 'draining') or held = '[]');

drop index hold_open;
create unique index hold_open on hold (service_id, version) where state in ('held', 'active', 'draining');
create index hold_draining on hold (until_at) where state = 'draining';

-- The retirement that is still being answered: the StageRequested; null once answered, and for other stages, whose layers keep it themselves.
alter table hold_answer add column question bytea check (question is null or answer is null);
create index hold_answer_retiring on hold_answer (journey_id) where question is not null;
