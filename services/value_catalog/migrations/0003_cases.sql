-- Requests to services. `request` is what a caller sends; what is asked for is a case.

create table service_case (
    case_id text primary key,
    service_id text not null,
    creator_id text not null,
    opener text not null,
    description text not null,
    latitude double precision,
    longitude double precision,
    state text not null check (state in ('open', 'acknowledged', 'closed', 'refused')),
    answer text not null default '',
    due_at timestamptz not null check (due_at > opened_at),
    -- Set when the due time passes without a last answer: it never does so silently.
    overdue_at timestamptz,
    opened_at timestamptz not null,
    updated_at timestamptz not null,
    check (state not in ('closed', 'refused') or answer <> ''),
    check ((latitude is null) = (longitude is null))
);
create index service_case_due on service_case (due_at) where overdue_at is null and state in ('open', 'acknowledged');
create index service_case_of_opener on service_case (opener, opened_at desc, case_id desc);
create index service_case_of_service on service_case (service_id, opened_at desc, case_id desc);
create index service_case_of_creator on service_case (creator_id, opened_at desc, case_id desc);
create index service_case_listed on service_case (opened_at desc, case_id desc);
