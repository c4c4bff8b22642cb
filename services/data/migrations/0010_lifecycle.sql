-- Contracts of a live version that an upgrade refers to, as long as its journey is under way.

create table carried (
    journey_id text not null,
    contract_id text not null references contract,
    primary key (journey_id, contract_id)
);
