"""What a plan found: document, reasons, checks, simulated years, folder."""
