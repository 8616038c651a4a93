"""WHAT DID THE PERSON WRITE, AND WHERE?

One reader for every kind of file that people write.  It knows YAML 1.2 core rules, units, where each value
stands, who says so (status, range, source), and it reports every problem of a file at once.

Every file is opened by `terp.files.open_file`: regular files only, up to a limit; JSON is read by `json_text` beside it.
A text goes through four steps, a module each: `tree` (YAML -> plain data with places), `provenance` (takes the
sourcing of values out of it), `fields` (the base of records: units by the names of fields), and `load` (the
record, and pydantic's errors as problems with their lines).  What a machine or a budget is, stands in
`describe`; nothing here knows a word of it.  A mapping from Python takes the same path as a file, with no
places.
"""

from terp.files.json_text import NoList, json_entries, json_of_text, read_json
from terp.files.open_file import (
    MOST_DOCUMENT_BYTES,
    is_there,
    open_regular,
    open_unpacked,
    read_limited,
    read_text,
)
from terp.reader.fields import (
    FlopPerS,
    Money,
    Month,
    Name,
    Ratio,
    Record,
    Seconds,
    Share,
    one_line,
    record_digest,
    record_json,
)
from terp.reader.load import (
    Sourced,
    Written,
    read_entries,
    read_record,
    read_tree,
    record_of,
    record_of_values,
)
from terp.reader.provenance import BASES, STATUSES, Provenance
from terp.reader.tree import Tree, changed_data, dotted, parse_yaml, tree_of_mapping

__all__ = [
    "BASES",
    "MOST_DOCUMENT_BYTES",
    "STATUSES",
    "FlopPerS",
    "Money",
    "Month",
    "Name",
    "NoList",
    "Provenance",
    "Ratio",
    "Record",
    "Seconds",
    "Share",
    "Sourced",
    "Tree",
    "Written",
    "changed_data",
    "dotted",
    "is_there",
    "json_entries",
    "json_of_text",
    "one_line",
    "open_regular",
    "open_unpacked",
    "parse_yaml",
    "read_entries",
    "read_json",
    "read_limited",
    "read_record",
    "read_text",
    "read_tree",
    "record_digest",
    "record_json",
    "record_of",
    "record_of_values",
    "tree_of_mapping",
]
