"""The rules of governance: values in, new value and what happened out. No I/O, no clock, no ids of its own."""
