"""value_catalog: what the city offers."""
