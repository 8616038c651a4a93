"""Cases, rows, splits and grades that all graders share."""
