"""What goes wrong while a local city starts or runs, said in one line."""

from __future__ import annotations


class LocalCityError(Exception):
    """The local city cannot go on; the message is one line that says what is wrong and what to do about it."""
