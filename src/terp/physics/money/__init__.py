"""What parts, electricity and deals cost, and how sure that is."""
