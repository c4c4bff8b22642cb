"""Python's collector of cycles, told how a server lives: much is made at the start and stays, and batches make many values that go without its help."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 20


def settle() -> None:
    """To be called when everything is started. What is there by now is never looked at again; what comes is looked at less often.

    With Python's own thresholds a quarter of a batch's time goes into looking at values that are in use (docs/figures.md), and
    each look at all of them stops the process for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
