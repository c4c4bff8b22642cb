"""Typed functions over a transaction, a module a noun."""
