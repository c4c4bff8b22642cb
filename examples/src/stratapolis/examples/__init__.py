"""Services of made-up value creators, and the recorded data they use."""
