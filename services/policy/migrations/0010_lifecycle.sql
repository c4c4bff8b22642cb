-- An upgrade that asks for the same money refers to the live version's: it is reserved once, and cannot be let go while somebody refers to it.

alter table reservation
    add column carried_from int,
    add foreign key (service_id, carried_from, source_id) references reservation (service_id, version, source_id),
    add check (carried_from < version);
