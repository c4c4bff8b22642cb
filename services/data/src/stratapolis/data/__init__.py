"""The data layer: what the city observes, who may use it, and what it says about the city."""
