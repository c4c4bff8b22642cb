"""From contract to domain and back, a module a noun; total functions."""
