"""The rules of policy: values in, new value and what happened out. No I/O, no clock, no ids of its own."""
