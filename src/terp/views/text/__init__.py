"""What a terminal shows: a module a kind of result, whose functions give text and print nothing."""
