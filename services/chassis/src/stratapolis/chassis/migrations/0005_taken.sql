-- How far raw streams were ever taken: a position set back reads again, and takes nothing twice.

alter table position add column taken bigint not null default 0 check (taken >= 0);
update position set taken = next;
