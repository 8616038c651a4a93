"""What keeps a description from making sense, across its fields; a module a kind of file.

Each check takes a `Written` record and gives problems with the places of the keys, in words that say what would
do; none raises, so that a file's mistakes are told together.
"""
