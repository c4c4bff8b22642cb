"""What governance does about what it hears, a module a noun."""
