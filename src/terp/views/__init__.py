"""HOW DO PEOPLE SEE IT?

The command line, text for a terminal, pages as HTML, figures as SVG, and sentences in English and Dutch.  The only place
that prints; nothing here decides or computes results: whatever a verb shows, a function below gives as a record.
"""
