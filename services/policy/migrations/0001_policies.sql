-- Versions of the city's policy set. A version is never edited; at most one is in force.

create table policy (
    version int primary key check (version > 0),
    cedar text not null,
    note text not null,
    publisher text not null,
    published_at timestamptz not null,
    activator text not null default '',
    activated_at timestamptz,
    active boolean not null default false,
    check ((activated_at is null) = (activator = '')),
    check (not active or activated_at is not null),
    -- Two persons put a version in force; the founding one alone has no second person yet.
    check (activator <> publisher or version = 1)
);
create unique index policy_in_force on policy (active) where active;

create function policy_is_never_edited() returns trigger language plpgsql as $$
begin
    if (new.version, new.cedar, new.note, new.publisher, new.published_at) is distinct from (old.version, old.cedar, old.note, old.publisher, old.published_at) then
        raise exception 'version % of the policy set is published: publish another', old.version using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger policy_is_never_edited before update on policy for each row execute function policy_is_never_edited();
