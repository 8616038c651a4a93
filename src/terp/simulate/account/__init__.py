"""What a run took and gave: energy, money, tables, figures, origin."""
