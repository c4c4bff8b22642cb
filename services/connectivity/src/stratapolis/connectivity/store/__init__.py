"""What connectivity keeps: typed functions over a transaction, the SQL beside them."""
