"""What all graders share: tables as printed, the split of their rows, errors beside a baseline's, and limits that hold."""
