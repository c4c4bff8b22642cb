-- Pools and what is held of them. What a pool has in use is kept by a trigger and checked here, so that no code path can overbook it.

create table pool (
    name text primary key,
    cpu_millis int not null check (cpu_millis >= 0),
    memory_mib int not null check (memory_mib >= 0),
    used_cpu_millis int not null default 0 check (used_cpu_millis >= 0),
    used_memory_mib int not null default 0 check (used_memory_mib >= 0),
    -- What one value creator may hold; null: the city's default.
    quota_cpu_millis int check (quota_cpu_millis > 0),
    quota_memory_mib int check (quota_memory_mib > 0),
    quota_replicas int check (quota_replicas > 0),
    created_at timestamptz not null,
    constraint pool_not_overbooked check (used_cpu_millis <= cpu_millis and used_memory_mib <= memory_mib)
);
alter table pool set (fillfactor = 70);

create table allocation (
    journey_id text primary key,
    service_id text not null,
    version int not null check (version > 0),
    owner text not null,
    pool text not null references pool (name),
    cpu_millis int not null check (cpu_millis > 0),
    memory_mib int not null check (memory_mib > 0),
    replicas int not null check (replicas > 0),
    state text not null check (state in ('reserved', 'committed', 'released')),
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index allocation_held on allocation (pool, owner) where state <> 'released';

-- An amount is given out once and given back once: it never changes, and what was released stays so.
create function allocation_moves() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.state = 'released' or (new.pool, new.cpu_millis, new.memory_mib, new.replicas) <> (old.pool, old.cpu_millis, old.memory_mib, old.replicas) then
        raise exception 'an allocation is only committed or released';
    end if;
    return new;
end $$;
create trigger allocation_moves before update or delete on allocation for each row execute function allocation_moves();

create function allocation_counts() returns trigger language plpgsql as $$
declare
    sign int := case when tg_op = 'INSERT' then 1 when new.state = 'released' then -1 else 0 end;
begin
    if sign <> 0 then
        update pool set used_cpu_millis = used_cpu_millis + sign * new.cpu_millis, used_memory_mib = used_memory_mib + sign * new.memory_mib where name = new.pool;
    end if;
    return null;
end $$;
create trigger allocation_counts after insert or update on allocation for each row execute function allocation_counts();
