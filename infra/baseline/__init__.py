"""What was released: its contracts, an example of every event as stored bytes, its migrations; and what later versions must keep of it."""
