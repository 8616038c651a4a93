"""What several test files share: naive twins of the engines, small plans, drawn traces, observed schedules."""
