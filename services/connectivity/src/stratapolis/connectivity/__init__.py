"""Connectivity: who and what is connected, and what it may use."""
