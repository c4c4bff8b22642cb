"""Proto to domain and back, total functions, one noun a module."""
