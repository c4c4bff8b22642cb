-- The trace in which a stage was asked for: an answer that comes later belongs to it.

alter table hold_answer add column traceparent text not null default '';
