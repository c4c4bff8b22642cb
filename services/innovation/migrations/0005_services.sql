-- Services that innovation has been told of because something is, or was to be, about them.

create table service (
    service_id text primary key,
    -- The newest version that was retired; null: none was, or a newer one is in the catalogue.
    retired_version int check (retired_version > 0)
);
create index challenge_open_about on challenge (service_id) where service_id <> '' and closed_at is null;
create index pilot_open_about on pilot (scope) where ended_at is null;
