"""The same machine and the same jobs at two sites: what differs is weather, price, tax and carbon."""

from terp.catalogue import read_catalogue
from terp.describe import read_machine, read_site
from terp.hardware import build_machine
from terp.simulate import year
from terp.units import show

machine = build_machine(read_machine("gefion"), read_catalogue())
for name in ("copenhagen", "groningen"):
    run = year(machine, site=read_site(name), workload="national", days=7, seed=1)
    figures = run.summary
    print(
        f"{name:11} PUE {figures['mean_pue']:.3f}  {show(figures['facility_energy_j'], 'j')}"
        f"  {show(figures['electricity_cost_eur'], 'eur')}  {figures['carbon_kg'] / 1000:.0f} t CO2"
    )
