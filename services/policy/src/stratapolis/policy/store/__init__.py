"""What policy keeps: typed functions over `tx`, a module a noun, the SQL beside its caller."""

Owners = tuple[str, ...] | None
"""Whose rows may be seen; None: everybody's."""
