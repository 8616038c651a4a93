"""The page of the yearly report to the EU's database."""
