"""Tables that ship with governance: the indicators a city may be measured by, and what is known of those it computes."""
