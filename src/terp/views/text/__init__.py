"""What a terminal shows: a module a kind of result, whose functions give text and print nothing.

`columns` lays rows out and knows the width of the screen; `as_text` or the like in each of the others takes records of the
library and gives lines.  Records hold SI units and all digits; what is shown of them is scaled and rounded here.
"""
