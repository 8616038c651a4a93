"""The jobs of a year: drawn, checked against the published ones, and what each kind runs."""
