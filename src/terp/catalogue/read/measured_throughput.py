"""What a GPU gets done over an H100 SXM 80 GB, as data measured by others; `scripts/distil_throughput.py` makes it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pydantic import Field

from terp.catalogue.read.parts import Accelerator, Part
from terp.catalogue.read.whole import read_catalogue, unknown_sources
from terp.errors import Problems, UnknownName
from terp.reader import Name, Provenance, dotted, read_entries, read_tree
from terp.units import parse_range


class Throughput(Part):
    """Rates of a GPU over those of an H100 SXM 80 GB; absent where nobody measured.

    training_ratio       in training, on as many GPUs; over the `peer` if there is one
    inference_ratio      in answering and classifying, each GPU in the precision that its makers chose
    inference_bits_count bits of that precision; 8 is that of the H100
    answers_per_s        tokens that one GPU writes with a language model of 70 billion parameters [1/s]
    """

    peer: Name | None = None
    training_ratio: float | None = Field(default=None, gt=0, le=100)
    inference_ratio: float | None = Field(default=None, gt=0, le=100)
    inference_bits_count: int = Field(default=8, ge=4, le=32)
    answers_per_s: float | None = Field(default=None, gt=0, le=1e6)


@dataclass(frozen=True)
class Throughputs:
    """What the catalogue knows of throughput, by accelerator.

    provenance   "throughput.mi300x.training" -> Provenance
    digest       SHA-256 of the file
    """

    entries: Mapping[str, Throughput]
    provenance: Mapping[str, Provenance]
    digest: str

    def of(self, accelerator: str) -> Throughput | None:
        """The entry of an accelerator; None if nothing was measured."""
        return self.entries.get(accelerator)

    def bounds(self, accelerator: str, key: str, dimension: str = "ratio") -> tuple[float, float]:
        """Low and high of a written value, such as "training".  Raises UnknownName."""
        path = f"throughput.{accelerator}.{key}"
        if path not in self.provenance:
            raise UnknownName("measured throughput", path, self.provenance)
        return parse_range(self.provenance[path].range_text, dimension)


@cache
def read_throughputs() -> Throughputs:
    """The throughputs that ship with Terp.  Raises Problems if the file of them is wrong."""
    text = resources.files("terp.catalogue").joinpath("throughput.yaml").read_text("utf-8")
    sourced, catalogue = read_tree(text, "throughput.yaml"), read_catalogue()
    problems = unknown_sources(sourced, catalogue.sources)
    entries = read_entries(sourced, Throughput, problems)
    if problems:
        raise Problems(problems)
    for name, entry in entries.items():
        for accelerator in (name, entry.peer or name):
            catalogue.part(Accelerator, accelerator)
    provenance = {f"throughput.{dotted(path)}": entry for path, entry in sourced.provenance.items()}
    return Throughputs(entries, provenance, hashlib.sha256(text.encode()).hexdigest())
