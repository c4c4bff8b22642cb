-- What parties of agreements promise of indicators, the newest value of each period, and the periods in which a promise was missed.

create table metric (
    agreement_id text not null references agreement,
    number int not null,
    framework text not null,
    code text not null,
    measure text not null,
    scope text not null,
    lower_is_better boolean not null,
    bound numeric not null,
    party text not null,
    penalty numeric(38, 9) not null check (penalty > 0),
    primary key (agreement_id, number)
);
create index metric_of on metric (code, measure, framework, scope);

create table metric_reading (
    agreement_id text not null,
    number int not null,
    period text not null,
    revision int not null,
    value numeric not null,
    unit text not null,
    -- When the period is over in every zone.
    over_at timestamptz not null,
    judged boolean not null default false,
    primary key (agreement_id, number, period),
    foreign key (agreement_id, number) references metric
);
create index metric_reading_due on metric_reading (over_at) where not judged;

create table performance_failure (
    failure_id text primary key,
    agreement_id text not null,
    number int not null,
    period text not null,
    revision int not null,
    value numeric not null,
    unit text not null,
    raised_at timestamptz not null,
    withdrawn_at timestamptz,
    foreign key (agreement_id, number) references metric
);
create unique index performance_failure_stands on performance_failure (agreement_id, number, period) where withdrawn_at is null;
create index performance_failure_listed on performance_failure (raised_at desc, failure_id desc);
create index performance_failure_of on performance_failure (agreement_id, raised_at desc, failure_id desc);
