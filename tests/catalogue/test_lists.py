"""The TOP500 editions that are held, and places in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.catalogue import Own, edition, editions
from terp.errors import UnknownName

GEFION = Own("Gefion", 66.59e15)


def test_nine_whole_editions_and_a_part_of_a_tenth():
    whole = [name for name in editions() if edition(name).whole]
    assert len(whole) == 9
    assert editions()[-1] == "2025-11"
    assert not edition("2025-11").whole
    for name in whole:
        held = edition(name)
        assert held.rank.tolist() == list(range(1, 501))
        assert (np.diff(held.rmax) <= 0).all()


@pytest.mark.parametrize(("name", "rank"), [("2024-11", 21), ("2025-06", 29), ("2025-11", 34)])
def test_gefion_is_where_the_lists_have_it(name, rank):
    place = edition(name).place(66.59e15, GEFION)
    assert place.rank == rank
    assert place.exact == (name != "2025-11")


@pytest.mark.parametrize(
    ("name", "rank"), [("2020-06", 5), ("2021-11", 6), ("2022-06", 8), ("2023-06", 9), ("2023-11", 13), ("2024-06", 15)]
)
def test_ranks_that_gefion_would_have_had_before(name, rank):
    """Counted by hand in the whole lists for an entry of 66.59 Pflop/s."""
    assert edition(name).place(66.59e15, GEFION).rank == rank


def test_an_entry_stands_at_its_own_rank():
    held = edition("2024-11")
    for index in range(0, 500, 7):
        if (held.rmax == held.rmax[index]).sum() == 1 and held.name[index]:
            assert held.place(held.rmax[index], Own(str(held.name[index]), held.rmax[index])).rank == held.rank[index]


@given(st.floats(1e15, 3e18), st.floats(1e15, 3e18))
def test_the_faster_ranks_higher(one, other):
    low, high = sorted((one, other))
    for name in editions():
        above, below = edition(name).place(high).rank, edition(name).place(low).rank
        assert (above or 999) <= (below or 999)


def test_ends_of_the_list():
    held = edition("2024-11")
    assert held.place(1e21).rank == 1
    assert held.place(1e21).above is None
    assert held.place(1e12).rank is None
    assert edition("2025-11").place(1e12).rank is None
    assert edition("2025-11").green_rank(5e10, 1e17) is None


def test_a_green_rank_counts_those_that_say_their_power():
    held = edition("2024-11")
    known = held.power > 0
    assert held.green_rank(1e15, 1e17) == 1
    assert held.green_rank(0.0, 1e17) == 1 + known.sum()
    assert held.green_rank(1e15, 1e12) is None, "not on the list at all"


def test_the_own_entry_stands_aside_however_wrong_the_prediction_is():
    """Leonardo is listed 9th with 241.2 Pflop/s; predicted at 165 it would stand before the ones below that, itself apart."""
    held, own = edition("2025-06"), Own("Leonardo", 241.2e15)
    assert held.place(165e15, own).rank == 1 + ((held.rmax > 165e15) & (held.name != "Leonardo")).sum()
    assert held.place(165e15, own).above[0] != "Leonardo"
    eagle = Own("Eagle", 561.2e15)
    assert (held.name == "Eagle").sum() == 2
    assert held.place(4.8e15, eagle).rank == held.rank[held.rmax < 4.8e15].min() - 1, "only the faster Eagle stands aside"


def test_an_edition_that_is_not_held():
    with pytest.raises(UnknownName, match="no edition of the TOP500 '2022-11'; did you mean"):
        edition("2022-11")
