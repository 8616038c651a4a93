"""What a GPU gets done over an H100 SXM 80 GB, as data measured by others; `scripts/distil_throughput.py` makes it.

Used where no model predicts a GPU.  A ratio compares whole systems as others ran them, software included, so it says what
was done rather than what the chip could do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import Field

from terp.catalogue.read.own_folder import own_catalogue, read_with_own, texts_of
from terp.catalogue.read.parts import Accelerator, Part
from terp.catalogue.read.whole import read_catalogue, unknown_sources
from terp.errors import Problems, UnknownName, did_you_mean
from terp.reader import Name, Provenance, dotted, read_entries
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

    entries      by name of the accelerator; a key that nobody measured is None in its entry
    """

    entries: Mapping[str, Throughput]
    provenance: Mapping[str, Provenance]
    digest: str

    def of(self, accelerator: str) -> Throughput | None:
        """The entry of an accelerator; None if nothing was measured."""
        return self.entries.get(accelerator)

    def bounds(self, accelerator: str, key: str, dimension: str = "ratio") -> tuple[float, float]:
        """Low and high of a written value, such as "training".  Raises UnknownName.

        accelerator   its name;  key   as written in the file, without unit;  dimension   of the value, such as "ratio"
        """
        path = f"throughput.{accelerator}.{key}"
        if path not in self.provenance:
            raise UnknownName("measured throughput", path, self.provenance)
        return parse_range(self.provenance[path].range_text, dimension)


def read_throughputs() -> Throughputs:
    """The throughputs that ship with Terp, with the user's own beside them.  Raises Problems if a file of them is wrong.

    Checked once: accelerators and peers must be in the catalogue, and sources in sources.yaml.
    """
    return _throughputs(own_catalogue())


@cache
def _throughputs(_own: str) -> Throughputs:
    """The throughputs with a folder of the user's own."""
    sourced, catalogue = read_with_own("throughput.yaml"), read_catalogue()
    problems = unknown_sources(sourced, catalogue.sources)
    entries = read_entries(sourced, Throughput, problems)
    known = catalogue.parts[catalogue.family_of(Accelerator)]
    for name, entry in entries.items():
        for accelerator in (name, entry.peer or name):
            if accelerator not in known:
                would_do = did_you_mean(accelerator, known)
                problems.append(sourced.tree.problem((name,), "no such accelerator", repr(accelerator), would_do))
    if problems:
        raise Problems(problems)
    provenance = {f"throughput.{dotted(path)}": entry for path, entry in sourced.provenance.items()}
    digest = hashlib.sha256("".join(texts_of("throughput.yaml")).encode()).hexdigest()
    return Throughputs(entries, provenance, digest)
