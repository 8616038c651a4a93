"""WHAT PARTS EXIST, AND WHO SAYS SO?

Parts, citations, hourly series and published job statistics, as data with a source on every number.
"""

from terp.catalogue.jobs import (
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
from terp.catalogue.lists import Edition, Own, Place, edition, editions
from terp.catalogue.parts import (
    FAMILIES,
    Accelerator,
    Adapter,
    Cable,
    Fleet,
    Node,
    Part,
    Processor,
    Rack,
    Reliability,
    Server,
    Source,
    StorageAppliance,
    Switch,
)
from terp.catalogue.read import Catalogue, read_catalogue, unknown_sources
from terp.catalogue.series import FIRST_HOUR, HOUR_S, HOURS_COUNT, Series, hourly, series_digest, series_names

__all__ = [
    "FAMILIES",
    "FIRST_HOUR",
    "HOURS_COUNT",
    "HOUR_S",
    "STATES",
    "TYPES",
    "Accelerator",
    "Adapter",
    "Cable",
    "Catalogue",
    "Edition",
    "Fleet",
    "JobProfile",
    "JobTable",
    "Node",
    "Own",
    "Part",
    "Place",
    "Processor",
    "Published",
    "Rack",
    "Reliability",
    "Series",
    "Server",
    "Source",
    "StorageAppliance",
    "Switch",
    "edition",
    "editions",
    "hourly",
    "job_profile",
    "job_profiles",
    "job_statistics_digest",
    "job_table",
    "published_jobs",
    "read_catalogue",
    "series_digest",
    "series_names",
    "unknown_sources",
]
