"""What infrastructure answers, a module a service of the contract."""
