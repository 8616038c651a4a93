"""What keeps a description from making sense, across its fields."""
