"""What the catalogue decides: values in, new value and facts out."""
