"""What a site file says of its hall: how heat leaves it, what the water does, and who takes the heat."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from terp.reader import Record


class Conversion(Record):
    """Losses of transformers, UPS and distribution by load, each of the machine's rated power.

    no_load_fraction       always lost
    proportional_fraction  lost at full load in proportion to the load
    quadratic_fraction     lost at full load with the square of the load
    """

    no_load_fraction: float = Field(ge=0, le=0.2)
    proportional_fraction: float = Field(ge=0, le=0.2)
    quadratic_fraction: float = Field(ge=0, le=0.2)


class Rejection(Record):
    """How a water loop gives its heat to the outside air.

    kind              dry: air coolers, no water; adiabatic: the same with wetted pads in warm hours; tower: evaporation
    approach_kelvin   water over the air at full heat and full fans: over wet bulb for a tower, else over the air it draws in
    fan_fraction      fans at full speed, of the loop's rated heat
    pad_fraction      adiabatic: how much of the way from dry to wet bulb the pads cool the air
    latent_fraction   tower: share of its heat that leaves as vapour
    cycles_ratio      how many times salts in the basin are concentrated before it is bled
    """

    kind: Literal["dry", "adiabatic", "tower"]
    approach_kelvin: float = Field(gt=0, le=40)
    fan_fraction: float = Field(ge=0, le=0.2)
    pad_fraction: float | None = Field(default=None, ge=0, le=1)
    latent_fraction: float | None = Field(default=None, ge=0, le=1)
    cycles_ratio: float | None = Field(default=None, gt=1, le=100)


class Liquid(Record):
    """A water loop that cools liquid-cooled nodes.

    heat_fraction    share of the nodes' heat that goes into the water; the rest, network and storage heat the air
    pump_fraction    pumps of both sides of the loop, of the heat they move
    supply_celsius   facility water to the machine
    return_celsius   facility water from the machine
    """

    heat_fraction: float = Field(ge=0, le=1)
    pump_fraction: float = Field(ge=0, le=0.2)
    supply_celsius: float = Field(ge=5, le=60)
    return_celsius: float = Field(ge=6, le=90)
    rejection: Rejection


class Evaporation(Record):
    """Water that an air-cooled hall evaporates to move its heat.

    wet_above_celsius   wet bulb from which it runs wet
    latent_fraction     share of the heat that leaves as vapour while it does
    cycles_ratio        how many times salts in the basin are concentrated before it is bled
    """

    wet_above_celsius: float = Field(ge=-30, le=40)
    latent_fraction: float = Field(ge=0, le=1)
    cycles_ratio: float = Field(gt=1, le=100)


class Cooling(Record):
    """How the hall is cooled; the terms of `model.facility_power_w` and of `model.hall_flows`.

    electrical_loss_fraction   transformers, UPS and distribution, of IT power; or `conversion`, by load
    air_fraction               fans and pumps that move heat out, of the power that heats the air
    fixed_fraction             lights, controls and standing losses, of the machine's rated power, always drawn
    free_below_celsius         wet bulb up to which outside air does all the cooling
    full_above_celsius         wet bulb from which chillers do all of it
    chiller_cop_ratio          heat moved per unit of chiller power
    """

    electrical_loss_fraction: float = Field(default=0.0, ge=0, le=0.5)
    conversion: Conversion | None = None
    air_fraction: float = Field(ge=0, le=0.5)
    fixed_fraction: float = Field(ge=0, le=0.2)
    free_below_celsius: float = Field(ge=-30, le=40)
    full_above_celsius: float = Field(ge=-30, le=50)
    chiller_cop_ratio: float = Field(ge=1, le=30)
    evaporation: Evaporation | None = None
    liquid: Liquid | None = None


class HeatReuse(Record):
    """Heat handed to a network outside: of the water loop if the machine heats one, else of the hall's return air.

    capture_fraction         share of that heat that exchangers can hand over
    capacity_w               the most that the network takes
    full_below_celsius       outside air below which the network takes all it can
    none_above_celsius       outside air above which it takes heat for hot water alone
    summer_fraction          what it takes then, of what it takes in the cold
    supply_celsius           what the network wants
    lift_carnot_fraction     the centre's own heat pump, its COP over Carnot's; none if absent
    """

    capture_fraction: float = Field(ge=0, le=1)
    capacity_w: float = Field(ge=0, le=1e9)
    full_below_celsius: float = Field(ge=-40, le=40)
    none_above_celsius: float = Field(ge=-40, le=50)
    summer_fraction: float = Field(ge=0, le=1)
    supply_celsius: float = Field(ge=10, le=150)
    lift_carnot_fraction: float | None = Field(default=None, gt=0, le=0.8)


class Renewables(Record):
    """Shares of the energy at the meter that are renewable, by how that is shown; what the operator buys, no prediction.

    guarantees_fraction   guarantees of origin, bought and retired
    agreements_fraction   power purchase agreements
    on_site_fraction      made within the boundary of the centre
    """

    guarantees_fraction: float = Field(default=0.0, ge=0, le=1)
    agreements_fraction: float = Field(default=0.0, ge=0, le=1)
    on_site_fraction: float = Field(default=0.0, ge=0, le=1)

    @property
    def total_fraction(self) -> float:
        """All three."""
        return self.guarantees_fraction + self.agreements_fraction + self.on_site_fraction


class Declared(Record):
    """What an operator declares of a centre to the EU's database and no simulation gives; what is left out is not known.

    municipality     code of the local administrative unit (LAU) of Eurostat, such as "GM0014"
    centre           type of data centre
    in_operation     year and month of entry into operation, such as "2024-10"
    backup_energy_j  of back-up generators in the year
    grid_functions, grid_battery_w   what it does for the grid, and the battery capacity that it offers
    potable_fraction   of its water
    server_capacity_ratio   of all servers, by SERT
    rate_in_bytes_per_s, rate_out_bytes_per_s, data_in_bytes, data_out_bytes   lines to the world, and a year's traffic
    """

    owner: str | None = None
    municipality: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{1,20}$")
    centre: Literal["enterprise", "colocation", "co-hosting"] | None = None
    in_operation: str | None = Field(default=None, pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$")
    electrical_redundancy: str | None = None
    cooling_redundancy: str | None = None
    backup_energy_j: float | None = Field(default=None, ge=0, le=1e16)
    grid_functions: list[str] = []
    grid_battery_w: float | None = Field(default=None, ge=0, le=1e9)
    potable_fraction: float | None = Field(default=None, ge=0, le=1)
    server_capacity_ratio: float | None = Field(default=None, ge=0, le=1e12)
    rate_in_bytes_per_s: float | None = Field(default=None, ge=0, le=1e15)
    rate_out_bytes_per_s: float | None = Field(default=None, ge=0, le=1e15)
    data_in_bytes: float | None = Field(default=None, ge=0, le=1e21)
    data_out_bytes: float | None = Field(default=None, ge=0, le=1e21)


class Hall(Record):
    """What a hall declares of itself and no simulation gives.

    setpoint_celsius     air at the intakes, as commanded
    return_air_celsius   air that leaves the machine
    floor_area_m2        of the whole centre
    room_area_m2         of its computer rooms
    """

    setpoint_celsius: float | None = Field(default=None, ge=5, le=50)
    return_air_celsius: float | None = Field(default=None, ge=5, le=80)
    floor_area_m2: float | None = Field(default=None, ge=1, le=1e7)
    room_area_m2: float | None = Field(default=None, ge=1, le=1e7)
    refrigerants: list[str] = []
