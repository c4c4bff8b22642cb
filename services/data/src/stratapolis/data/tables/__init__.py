"""Tables that ship with the data layer: units of measurement and the properties that are measured in them."""
