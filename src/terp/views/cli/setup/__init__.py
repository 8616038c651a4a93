"""Verbs that answer no question about a machine but see to Terp itself, such as names that complete with Tab."""
