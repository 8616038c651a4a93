"""Verbs that answer no question about a machine but see to Terp itself, such as names that complete with Tab.

`completion`, `config` and `clean` are verbs, each with a click command named `command`.  `compiling` and `other_terp` are
for verbs and the command itself: what must be done, or be in order, before they can start.
"""
