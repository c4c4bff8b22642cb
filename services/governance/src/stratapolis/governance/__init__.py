"""Governance: value creators, proposals and their journeys, money and measures."""
