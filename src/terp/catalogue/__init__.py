"""WHAT PARTS EXIST, AND WHO SAYS SO?

Parts, citations, hourly series and published job statistics, as data with a source on every number.

All of it is YAML, CSV and Parquet beside this package; `catalogue/read` gives it as frozen records in SI units, and nothing
else in Terp opens those files.  A value carries its status (published, measured, derived, fitted, assumed), its range and
its citation; a user's own folder adds parts, prices and constants without a change of code (`use_own_catalogue`).

    >>> from terp.catalogue import Accelerator, read_catalogue
    >>> catalogue = read_catalogue()
    >>> catalogue.part(Accelerator, catalogue.accelerator_named("h100")).memory_bytes
    80000000000.0

Reading is cached: the same folder of one's own gives the same objects, which nobody may change.
"""

from terp.catalogue.read.constants import (
    ConstantNote,
    constant_notes,
    constants,
    constants_digest,
    constants_used,
    with_constants,
)
from terp.catalogue.read.hourly_series import FIRST_HOUR, HOURS_COUNT, Series, hourly, series_digest, series_names
from terp.catalogue.read.job_statistics import (
    STATES,
    TYPES,
    JobProfile,
    JobTable,
    Published,
    job_profile,
    job_profiles,
    job_statistics_digest,
    job_table,
    published_jobs,
)
from terp.catalogue.read.measured_throughput import Throughput, Throughputs, read_throughputs
from terp.catalogue.read.own_folder import own_catalogue, use_own_catalogue
from terp.catalogue.read.parts import (
    FAMILIES,
    Accelerator,
    Adapter,
    Cable,
    Cause,
    CauseName,
    Fleet,
    Kit,
    Node,
    Part,
    Processor,
    Rack,
    Reliability,
    Server,
    Source,
    StorageAppliance,
    Switch,
    TreeTopology,
)
from terp.catalogue.read.prices import Currency, Price, Prices, Rate, read_prices
from terp.catalogue.read.reference import Beside, Reference, read_reference, reference_of, usual_fleet
from terp.catalogue.read.spellings import Smaller, Spellings, read_spellings, spelt
from terp.catalogue.read.top500_lists import Edition, Own, Place, edition, editions
from terp.catalogue.read.whole import Catalogue, read_catalogue, sources_named, unknown_sources

__all__ = [
    "FAMILIES",
    "FIRST_HOUR",
    "HOURS_COUNT",
    "STATES",
    "TYPES",
    "Accelerator",
    "Adapter",
    "Beside",
    "Cable",
    "Catalogue",
    "Cause",
    "CauseName",
    "ConstantNote",
    "Currency",
    "Edition",
    "Fleet",
    "JobProfile",
    "JobTable",
    "Kit",
    "Node",
    "Own",
    "Part",
    "Place",
    "Price",
    "Prices",
    "Processor",
    "Published",
    "Rack",
    "Rate",
    "Reference",
    "Reliability",
    "Series",
    "Server",
    "Smaller",
    "Source",
    "Spellings",
    "StorageAppliance",
    "Switch",
    "Throughput",
    "Throughputs",
    "TreeTopology",
    "constant_notes",
    "constants",
    "constants_digest",
    "constants_used",
    "edition",
    "editions",
    "hourly",
    "job_profile",
    "job_profiles",
    "job_statistics_digest",
    "job_table",
    "own_catalogue",
    "published_jobs",
    "read_catalogue",
    "read_prices",
    "read_reference",
    "read_spellings",
    "read_throughputs",
    "reference_of",
    "series_digest",
    "series_names",
    "sources_named",
    "spelt",
    "unknown_sources",
    "use_own_catalogue",
    "usual_fleet",
    "with_constants",
]
