"""Distils the hourly series of 2024 that ship with Terp from the public files they come from.

    python scripts/distil_series.py FOLDER src/terp/catalogue/series/hourly-2024.parquet

FOLDER holds the source tables (prices, weather, consumption coverage, a sample of the generation mix).  Two columns
are models, not observations, and are marked so in series.yaml:

carbon-dk   intensity(t) = sum over areas of coverage share(t) x area intensity(year); the Danish areas' part falls with
            wind and sun by a linear fit on ten weeks of the DK2 generation mix; scaled to the published mean of 2024.
carbon-nl   no hourly Dutch mix is free to use: the price's rank among the year's hours stands for the share of gas and
            coal at the margin; scaled to the published mean of 2024.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HOURS = np.arange(np.datetime64("2024-01-01T00", "h"), np.datetime64("2025-01-01T00", "h"))
MEAN_2024_G_PER_KWH = {"dk": 143.3, "nl": 253.3}  # owid-ember-carbon
AREA_G_PER_KWH = {"dk1": 143.3, "dk2": 143.3, "ge": 381.0, "nl": 253.3, "no2": 30.1, "se": 40.7}  # the same, by country
SOURCE_G_PER_KWH = {  # ipcc-2014 medians; waste and biomass by rule
    "Biomass": 230.0, "FossilGas": 490.0, "FossilHardCoal": 820.0, "FossilOil": 650.0, "HydroPower": 24.0,
    "OtherRenewable": 38.0, "SolarPower": 45.0, "Waste": 330.0, "OnshoreWindPower": 11.0, "OffshoreWindPower": 12.0,
}  # fmt: skip


def on_hours(table: pa.Table, column: str) -> np.ndarray:
    """A column on the hours of 2024; a missing hour is interpolated, and said."""
    when = table.column("utc").to_numpy().astype("datetime64[h]")
    values = table.column(column).to_numpy().astype(float)
    order = np.argsort(when, kind="stable")
    when, values = when[order], values[order]
    missing = np.setdiff1d(HOURS, when).size
    if missing:
        print(f"{column}: {missing} hours interpolated", file=sys.stderr)
    return np.interp(HOURS.astype(np.int64), when.astype(np.int64), values)


def wind_share(wind_km_h: np.ndarray) -> np.ndarray:
    """Power of a turbine over its rating: cube of the wind from 10 to 45 km/h, then rated, off above 90."""
    rising = np.clip((wind_km_h - 10) / 35, 0, 1) ** 3
    return np.where(wind_km_h > 90, 0.0, rising)


def danish_carbon(folder: Path, weather: pa.Table) -> np.ndarray:
    """Modelled gCO2/kWh of Danish consumption, hour by hour."""
    mix = pq.read_table(folder / "dk2_generation_mix_2024_sample_hourly.parquet")
    generated = {name: np.nan_to_num(mix.column(name).to_numpy().astype(float)) for name in SOURCE_G_PER_KWH}
    total = sum(generated.values())
    observed = sum(generated[name] * factor for name, factor in SOURCE_G_PER_KWH.items()) / np.maximum(total, 1e-9)
    wind, sun = wind_share(on_hours(weather, "wind100_km_h")), on_hours(weather, "ghi_w_m2") / 1000
    at = np.searchsorted(HOURS, mix.column("utc").to_numpy().astype("datetime64[h]"))
    design = np.column_stack([np.ones(at.size), wind[at], sun[at]])
    fit, *_ = np.linalg.lstsq(design, observed, rcond=None)
    explained = np.corrcoef(design @ fit, observed)[0, 1] ** 2
    print(f"DK2 mix: {at.size} hours, intercept {fit[0]:.0f}, wind {fit[1]:.0f}, sun {fit[2]:.0f} g/kWh, R2 {explained:.2f}")
    domestic = np.maximum(np.column_stack([np.ones(HOURS.size), wind, sun]) @ fit, 20.0)
    domestic *= AREA_G_PER_KWH["dk2"] / domestic.mean()
    coverage = pq.read_table(folder / "dk_consumption_coverage_2024_hourly.parquet")
    shares = {area: on_hours(coverage, f"share_ppm_{area}") / 1e6 for area in AREA_G_PER_KWH}
    carbon = sum(
        share * (domestic if area in ("dk1", "dk2") else AREA_G_PER_KWH[area]) for area, share in shares.items()
    ) / np.maximum(sum(shares.values()), 1e-9)
    return carbon * MEAN_2024_G_PER_KWH["dk"] / carbon.mean()


def dutch_carbon(price: np.ndarray) -> np.ndarray:
    """Modelled gCO2/kWh of Dutch consumption: from 0.5 to 1.5 of the mean by the price's rank."""
    rank = np.argsort(np.argsort(price, kind="stable"), kind="stable") / (price.size - 1)
    return MEAN_2024_G_PER_KWH["nl"] * (0.5 + rank)


def main(folder: Path, target: Path) -> None:
    weather = pq.read_table(folder / "weather_openmeteo_aarhus_2024_hourly.parquet")
    danish = pq.read_table(folder / "dk_day_ahead_price_hourly.parquet", filters=[("area", "=", "DK2")])
    dutch = pq.read_table(folder / "nl_day_ahead_price_hourly.parquet")
    price_nl = on_hours(dutch, "price_eur_mwh")
    columns = {
        "price-dk2": on_hours(danish, "price_eur_mwh"),
        "price-nl": price_nl,
        "wet-bulb-aarhus": on_hours(weather, "wet_bulb_c"),
        "dry-bulb-aarhus": on_hours(weather, "dry_bulb_c"),
        "carbon-dk": danish_carbon(folder, weather),
        "carbon-nl": dutch_carbon(price_nl),
    }
    for name, values in columns.items():
        print(f"{name}: mean {values.mean():.2f}, min {values.min():.2f}, max {values.max():.2f}")
    table = pa.table({name: np.round(values, 2).astype(np.float32) for name, values in columns.items()})
    pq.write_table(table, target, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
