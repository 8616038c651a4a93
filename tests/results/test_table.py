"""Tables of results by themselves."""

import pyarrow as pa

from terp.results.table import Table


def test_tables_are_equal_by_their_words_however_wide_the_codes():
    """Arrow of some versions reads narrow codes back wide."""
    narrow, wide = (
        Table(pa.table({"state": pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], kind), ["ended", "failed"])}))
        for kind in (pa.int8(), pa.int32())
    )
    assert narrow == wide
    assert hash(narrow) == hash(wide)
    other = Table(pa.table({"state": pa.array(["ended", "failed", "failed"]).dictionary_encode()}))
    assert narrow != other
