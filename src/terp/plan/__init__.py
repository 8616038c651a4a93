"""WHAT SHOULD WE BUY?

A search over machines that a budget can pay: built by rule, priced, predicted, and the best of them simulated.
"""

__all__: list[str] = []
