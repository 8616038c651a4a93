"""Prices: each has a range, a date and a source, no part has two, and what the reader refuses."""

import re

import pytest

from terp.catalogue import Price, read_prices
from terp.catalogue.read.prices import PRICE_FILES, prices_of
from terp.errors import Problems, UnknownName
from terp.units import Money, parse_range

EURO_LINE = "USD: {title: dollar, euros: {value: {'2024': 0.924}, status: assumed, range: any}}"
BUYABLE = [
    "dgx-h100", "dgx-h200", "hgx-h200-liquid", "dgx-b200", "hgx-b200", "hgx-b200-liquid", "dgx-b300", "hgx-b300-liquid",
    "gb200-nvl72-tray", "gb300-nvl72-tray", "gb200-nvl4-node", "mi300x-platform", "mi355x-platform",
]  # fmt: skip
HELD_BACK = ("gefion", "isambard", "jupiter", "marenostrum", "lumi", "leonardo", "hipergator", "it4lia")


def test_every_price_and_rate_has_a_range_around_it():
    prices = read_prices()
    for name in prices.entries:
        low, central, high = prices.price_range(name)
        assert prices.provenance[f"prices.{name}.price"].range_text, name
        assert low.currency == central.currency == high.currency
        assert low.amount <= central.amount <= high.amount > 0, name
    for name in prices.rates:
        low, central, high = prices.rate_range(name)
        assert 0 < low < central < high < 1, name


def test_every_number_has_a_source_or_is_assumed_with_a_range():
    for path, entry in read_prices().provenance.items():
        if path.rpartition(".")[2] in ("price", "rate", "euros", "yearly_trend", "lead", "sold_from", "sold_until"):
            assert entry.source or (entry.status == "assumed" and entry.range_text) or entry.status == "derived", path
            assert entry.range_text, path


def test_what_is_asked_for_says_whether_it_is_a_list_or_a_quote():
    prices = read_prices()
    based = {name: entry.basis for name in prices.entries if (entry := prices.provenance[f"prices.{name}.price"]).basis}
    assert set(based.values()) <= {"list price", "quoted price", "contract price"}
    assert len(based) >= 7


def test_dates_lie_in_the_past_and_sales_in_order():
    for name, entry in read_prices().entries.items():
        assert "2019-01" <= entry.dated <= "2026-11", name
        assert (entry.sold_from or "2019-01") < (entry.sold_until or "2031-01"), name
        assert -0.2 < entry.yearly_trend_fraction < 0.2, name


def test_ranges_of_trends_leads_and_sales_hold_their_values():
    prices, checked = read_prices(), 0
    for name, entry in prices.entries.items():
        for field, value, dimension in (
            ("yearly_trend", entry.yearly_trend_fraction, "fraction"),
            ("lead", entry.lead_s, "s"),
        ):
            if written := prices.provenance.get(f"prices.{name}.{field}"):
                low, high = parse_range(written.range_text, dimension)
                assert low <= value <= high, (name, field)
                checked += 1
        for field, month in (("sold_from", entry.sold_from), ("sold_until", entry.sold_until)):
            if month:
                low_month, high_month = prices.provenance[f"prices.{name}.{field}"].range_text.split(" .. ")
                assert low_month <= month <= high_month, (name, field)
                checked += 1
    assert checked > 60


def test_no_part_is_priced_twice_and_older_prices_are_of_no_part():
    parts = [part for entry in read_prices().entries.values() for part in entry.of]
    assert len(parts) == len(set(parts))
    assert {name for name in read_prices().entries if re.search(r"-20\d\d$", name)} == {
        name for name, entry in read_prices().entries.items() if not entry.of and name.startswith(("flash", "disk"))
    }


def test_every_part_that_a_bill_of_materials_can_name_is_priced(catalogue):
    prices = read_prices()
    for family in ("nodes", "switches", "cables", "storage", "racks", "servers"):
        for part in catalogue.parts[family]:
            assert prices.of_part(part) is not None, f"{family}.{part}"
    assert prices.of_part("no-such-part") is None


@pytest.mark.parametrize("part", BUYABLE)
def test_nodes_on_sale_say_from_when_and_how_long_they_take(part):
    entry = read_prices().named(read_prices().of_part(part))
    assert entry.sold_from
    assert 30 * 86400 <= entry.lead_s <= 400 * 86400
    assert entry.per == "piece"


def test_a_delivery_of_2028_leaves_something_to_buy_of_two_makers():
    """Sold until after January 2028: racks of GB300 and servers of B300 and MI355X, but no Hopper and no A100."""
    prices = read_prices()
    left = {part for part in BUYABLE if (prices.named(prices.of_part(part)).sold_until or "9999") >= "2028-01"}
    assert {"gb300-nvl72-tray", "hgx-b300-liquid", "gb200-nvl4-node", "mi355x-platform"} <= left
    assert not left & {"dgx-h100", "dgx-h200", "hgx-h200-liquid", "mi300x-platform"}


def test_no_price_of_a_node_rests_on_a_purchase_that_plans_are_checked_on(catalogue):
    prices = read_prices()
    for name in prices.entries:
        entry = prices.provenance[f"prices.{name}.price"]
        title = catalogue.sources[entry.source].title if entry.source else ""
        text = f"{entry.source} {entry.note} {title}".lower()
        assert not [machine for machine in HELD_BACK if re.search(rf"\b{machine}\b", text)], name


def test_a_rack_is_the_price_of_its_eighteen_trays():
    for name in ("gb200-nvl72", "gb300-nvl72"):
        entry = read_prices().named(name)
        assert entry.pieces_count == 18
        assert 40e3 < entry.price.amount / 72 < 70e3  # of a GPU, against 44 to 75 kUSD of one in a server of eight


def test_newer_and_larger_cost_more():
    """In euros at their own dates: an ordering that a slip of a unit would break."""
    prices = read_prices()
    euros = {name: prices.euros(entry.price, entry.dated) for name, entry in prices.entries.items()}
    for cheaper, dearer in (
        ("dgx-h100", "dgx-h200"), ("dgx-h200", "hgx-b200"), ("hgx-b200", "dgx-b300"), ("gb200-nvl72", "gb300-nvl72"),
        ("gb300-nvl72", "vr200-nvl72"), ("tape", "disk"), ("disk", "flash-2023"), ("flash-2023", "flash"),
        ("qm8700", "qm9700"), ("qm9700", "q3400-ra"), ("sn2201", "sn4600c"), ("tomahawk-5", "sn5600"),
        ("osfp-400-sr4", "osfp-2x400-sr4"), ("osfp-800-dr8", "osfp-xdr-1600"), ("fit-out", "hall"),
    ):  # fmt: skip
        assert euros[cheaper] < euros[dearer], (cheaper, dearer)


def test_optics_of_a_fat_tree_of_two_tiers_cost_what_the_sheet_says():
    """Published: 2,621,440 USD of connectors and cables for 1,024 GPUs: two twin-port transceivers and two fibres each."""
    prices = read_prices()
    twin, fibre = prices.named("osfp-2x400-sr4").price.amount, prices.named("mpo12-fibre").price.amount
    assert 1024 * 2 * (twin + fibre) == pytest.approx(2_621_440, rel=0.02)


def test_rates_of_2020_and_2021_are_those_of_an_annual_report():
    """Cross-check: Geberit's annual report of 2021 prints mean rates in francs; over the franc's own, in euros."""
    francs = {  # of one euro, and of one of each
        "2020": (1.0704, {"USD": 0.9373, "GBP": 1.2046, "DKK": 0.14357, "SEK": 0.10193, "NOK": 0.10010}),
        "2021": (1.0833, {"USD": 0.9144, "GBP": 1.2584, "DKK": 0.14556, "SEK": 0.10671, "NOK": 0.10654}),
    }
    prices = read_prices()
    for year, (euro, rates) in francs.items():
        assert prices.euros(Money(1, "CHF"), f"{year}-06") == pytest.approx(1 / euro, rel=0.003)
        for currency, franc in rates.items():
            assert prices.euros(Money(1, currency), f"{year}-06") == pytest.approx(franc / euro, rel=0.006), currency


def test_the_dollar_of_2026_lies_by_the_reference_rate_of_its_summer():
    """0.87451 on 17 July 2026, as relayed from the European Central Bank; a year's mean may differ by 3 %."""
    assert read_prices().euros(Money(1, "USD"), "2026-07") == pytest.approx(0.87451, rel=0.03)


def test_currencies_cover_the_years_of_all_prices():
    prices = read_prices()
    for name, entry in prices.entries.items():
        if entry.price.currency != "EUR":
            assert entry.dated[:4] in prices.currencies[entry.price.currency].euros, name


def test_months_beyond_the_table_take_the_nearest_year():
    prices = read_prices()
    assert prices.euros(Money(10, "USD"), "2030-01") == prices.euros(Money(10, "USD"), "2026-12")
    assert prices.euros(Money(10, "EUR"), "1999-01") == 10
    with pytest.raises(UnknownName, match="currency"):
        prices.euros(Money(1, "XYZ"), "2024-01")
    with pytest.raises(UnknownName, match="price"):
        prices.named("dgx-b20")
    with pytest.raises(UnknownName, match="rate"):
        prices.rate_range("maintenence")


def refused(text, file="nodes", rates="", currencies=EURO_LINE):
    with pytest.raises(Problems) as raised:
        prices_of({file: text, "currencies": currencies} | ({"rates": rates} if rates else {}))
    return str(raised.value)


GOOD = 'a: {title: A, of: [dgx-h100], price: {value: "3 kUSD", status: assumed, range: "2 .. 4 kUSD"}, dated: "2024-08"}'


def test_a_good_file_is_read():
    prices = prices_of({"nodes": GOOD, "currencies": EURO_LINE})
    assert prices.of_part("dgx-h100") == "a"
    assert [amount.amount for amount in prices.price_range("a")] == [2000, 3000, 4000]
    assert isinstance(prices.named("a"), Price)
    assert len(prices.digest) == 64


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[dgx-h100]", "[dgx-h10]", "no such part"),
        ("[dgx-h100]", "[dgx-h100, dgx-h100]", "priced already, by a"),
        ("kUSD", "kDKK", "a currency without a rate"),
        ("2 .. 4 kUSD", "4 .. 5 kUSD", "outside its range"),
        ("2 .. 4 kUSD", "2 .. 4 kEUR", "outside its range"),
        ("2 .. 4 kUSD", "4 .. 2 kUSD", "backwards"),
        ("2 .. 4 kUSD", "about 3", "not a range"),
        ('"3 kUSD"', '"3"', "not an amount of money"),
        ('range: "2 .. 4 kUSD"', "note: none", "assumed without a range"),
        ('"2024-08"', '"August 2024"', "2024"),
        ("status: assumed", "status: published, source: no-such-source", "unknown source"),
        ("of:", "off:", "unknown key"),
        ("title: A", 'title: A, sold_from: "2025-02", sold_until: "2024-02"', "sold until before"),
    ],
)
def test_what_is_refused_says_so(old, new, says):
    assert old in GOOD
    assert says in refused(GOOD.replace(old, new))


def test_a_part_priced_in_two_files_is_refused():
    with pytest.raises(Problems, match="priced already, by a"):
        prices_of({"nodes": GOOD, "networks": GOOD.replace("a:", "b:", 1), "currencies": EURO_LINE})


@pytest.mark.parametrize(("text", "says"), [("0.5 .. 0.7", "outside its range"), ("0.7", "not a range")])
def test_a_rate_outside_its_range_is_refused(text, says):
    rates = f'm: {{title: M, rate: {{value: 0.06, status: assumed, range: "{text}"}}}}'
    assert says in refused(GOOD, rates=rates)


def test_the_files_are_those_that_are_read():
    assert set(PRICE_FILES) == {"nodes", "networks", "storage", "facilities", "services"}
