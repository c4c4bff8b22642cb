"""SQL of the data layer, typed, one noun a module."""
