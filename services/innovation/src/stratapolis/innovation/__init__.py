"""Innovation: programmes, challenges, ideas and pilots. How what the city offers stays relevant."""
