"""What Slurm's accounting prints: `sacct` as text and as JSON.  Both become the same columns of text, whose
words `sacct_values` knows, so that one set of rules makes rows of them.
"""
