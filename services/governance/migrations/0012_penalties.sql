-- What a party of an agreement owes the city for a metric that was missed.

alter table charge drop constraint charge_kind_check, add constraint charge_kind_check check (kind in ('use', 'fee', 'reversal', 'rounding', 'penalty'));
