"""What infrastructure decides, without any I/O."""
