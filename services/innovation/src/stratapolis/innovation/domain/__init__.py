"""What innovation decides: values in, new value and steps out."""
