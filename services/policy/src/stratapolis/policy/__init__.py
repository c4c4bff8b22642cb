"""The layer of rules, processes, partnerships and financing."""
