"""The rules of connectivity: values in, new values and facts out."""
