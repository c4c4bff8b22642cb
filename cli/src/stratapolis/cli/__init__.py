"""The `city` command and the local city."""
