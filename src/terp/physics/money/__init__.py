"""What parts, electricity and deals cost, and how sure that is.

Prices are data of the catalogue; here they become euros of a month, with a range, on the lines of a bill.
"""
