"""The infrastructure layer: capacity that is never overbooked, and the software of services, kept running."""
