"""Contract to domain and back, a module a noun; every function is total."""
