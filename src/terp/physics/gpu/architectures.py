"""What is known of a GPU's architecture: measured, fitted, or taken from elsewhere by name, never in silence.

A chip of an architecture that nobody measured has every constant all the same: from the architecture that the catalogue
names for the subject, or from its own data sheet.  `Architecture.fallbacks` says which, so that intervals can be wider and
caveats can name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Final, Literal

from terp.catalogue import Accelerator
from terp.catalogue.read.constants import constants
from terp.errors import UnknownName
from terp.notes import Caveat
from terp.physics.gpu.precisions import half_peak_flop_per_s

Subject = Literal[
    "clocks", "hpl", "dgemm", "hpcg", "mxp", "tiling", "attention", "collectives", "steps", "convolutions", "caps",
    "node-levels",
]  # fmt: skip
"""What models know of an architecture: power at a clock; HPL, DGEMM and HPCG; GEMM in tiles, attention, collectives; rates
in training steps; convolutions; work under power caps; levels of nodes."""
SUBJECTS: Final[tuple[Subject, ...]] = (
    "clocks", "hpl", "dgemm", "hpcg", "mxp", "tiling", "attention", "collectives", "steps", "convolutions", "caps",
    "node-levels",
)  # fmt: skip
Model = Literal["hpl", "hpcg", "mxp", "training", "power"]
RESTS_ON: Final[Mapping[Model, tuple[Subject, ...]]] = {
    "hpl": ("hpl", "dgemm"),
    "hpcg": ("hpcg",),
    "mxp": ("mxp",),
    "training": ("clocks", "tiling", "attention", "collectives"),
    "power": ("caps", "node-levels"),
}
"""Model -> the subjects that its predictions rest on; what a training says of `steps` has a caveat of its own."""
_WORDS: Final[Mapping[str, str]] = {
    "clocks": "power at a clock", "hpl": "HPL", "dgemm": "DGEMM", "hpcg": "HPCG", "mxp": "HPL-MxP", "tiling": "GEMM",
    "caps": "work under power caps", "node-levels": "power of nodes",
}  # fmt: skip
"""Subject -> its name for people, where that is another."""
SHEET: Final = "sheet"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Tiling:
    """What GEMM costs on an architecture, in whichever software.

    launch_ratio, busy_ratio  launches, and the share of the peak that a full chip keeps, over a Hopper's
    exposed_fraction  of the shorter of arithmetic and reading, what does not hide behind the longer
    reduce_fraction   rate at which the parts of a split GEMM are added up, over the memory rate
    """

    launch_ratio: float
    busy_ratio: float
    exposed_fraction: float
    reduce_fraction: float


@dataclass(frozen=True)
class Wider:
    """How many times an interval is wider than on chips that constants were fitted on [-]."""

    training_ratio: float | None = None


@dataclass(frozen=True)
class ArchitectureEntry:
    """An architecture as the catalogue has it; None where nobody measured it.  The file's head says what each value is."""

    title: str
    fallback: Mapping[str, str]
    fitted: tuple[str, ...] = ()
    graded: tuple[str, ...] = ()
    wider: Wider = field(default_factory=Wider)
    per_clock_flop: float | None = None
    flop_energy_j_per_flop: float | None = None
    dgemm_fraction: float | None = None
    power_limited: bool = False
    fp64_energy_j_per_flop: float | None = None
    hpcg_flop_per_byte: float | None = None
    panel_s: float = 0.0
    tiling: Tiling | None = None
    switch_fraction: float | None = None
    latency_ratio: float | None = None
    steps_fraction: float | None = None
    attention_kernel: str = ""


_VALUES: Final[Mapping[Subject, tuple[str, ...]]] = {
    "clocks": ("per_clock_flop", "flop_energy_j_per_flop"),
    "dgemm": ("dgemm_fraction",),
    "hpcg": ("hpcg_flop_per_byte",),
    "tiling": ("tiling",),
    "collectives": ("latency_ratio",),
    "steps": ("steps_fraction",),
}
"""Subject -> its fields; the others have no value of their own in an entry."""


@dataclass(frozen=True)
class Fallback:
    """A subject on which nothing was measured of an architecture, and where the values in use come from.

    taken_from   another architecture; the architecture itself or "unknown", whose values are then assumed; or "sheet", the
                 chip's own;  title  of what they are taken from
    """

    subject: Subject
    architecture: str
    taken_from: str
    title: str

    @property
    def code(self) -> str:
        """Such as "never-measured:attention:hopper"."""
        return f"never-measured:{self.subject}:{self.taken_from}"


@dataclass(frozen=True)
class Architecture:
    """All that models know of a chip's architecture, with nothing missing.

    name            of the catalogue; "unknown" for a name that it does not have
    fitted          subjects that something was measured or fitted on
    graded          those, and subjects of which published rows are graded though nothing was fitted to them
    fallbacks       the other subjects, each with where its values come from
    attention_of    the architecture whose attention kernels are taken;  attention_kernel  the kernel of its own that
                    training takes where the software says none; empty: that of attention_of
    fp64_energy_j_per_flop   of DGEMM, where the board's power binds; 0 where it does not
    power_limited   DGEMM runs at the clock that the power cap leaves, and its share of the peak is at that clock
    The values are as the head of architectures.yaml says; a ratio of `wider` is 1 where nothing is wider.
    """

    name: str
    title: str
    fitted: frozenset[Subject]
    graded: frozenset[Subject]
    fallbacks: tuple[Fallback, ...]
    attention_of: str
    attention_kernel: str
    per_clock_flop: float
    flop_energy_j_per_flop: float
    dgemm_fraction: float
    power_limited: bool
    fp64_energy_j_per_flop: float
    hpcg_flop_per_byte: float
    panel_s: float
    tiling: Tiling
    switch_fraction: float
    latency_ratio: float
    steps_fraction: float
    training_wider_ratio: float

    def caveats(self, model: Model) -> tuple[Caveat, ...]:
        """What was never measured of this architecture that a model's predictions rest on, and whose values stand for it."""
        codes = {self.name: "constant-assumed", UNKNOWN: "constant-assumed", SHEET: "constant-from-sheet"}
        return tuple(
            Caveat(
                codes.get(one.taken_from, "constant-of-another"),
                {"architecture": self.title, "subject": _WORDS.get(one.subject, one.subject), "taken_from": one.title},
            )
            for one in self.fallbacks_of(model)
        )

    def fallbacks_of(self, model: Model) -> tuple[Fallback, ...]:
        """Fallbacks that a model's predictions rest on; not those whose value is this architecture's own, if assumed."""
        subjects = RESTS_ON[model]
        return tuple(one for one in self.fallbacks if one.subject in subjects and one.taken_from != self.name)


@dataclass(frozen=True)
class SheetRules:
    """How a value that nobody measured follows from a data sheet.

    flop_energy_ratio   energy of a flop in BF16 times the BF16 peak, over the board's power [-]
    """

    flop_energy_ratio: float


@dataclass(frozen=True)
class Architectures:
    """All architectures by name, and the rules for what is missing."""

    PLACE: ClassVar[str] = "architectures"
    sheet: SheetRules
    architectures: Mapping[str, ArchitectureEntry]

    @cached_property
    def _resolved(self) -> dict[str, Architecture]:
        return {}

    def changed(self, name: str, **values: object) -> Architectures:
        """All of these, with some values of one architecture's entry in the place of its own, for `with_constants`."""
        entry = replace(self.architectures[name], **values)  # type: ignore[arg-type]
        return replace(self, architectures={**self.architectures, name: entry})

    def of(self, name: str) -> Architecture:
        """An architecture with nothing missing but what only a chip's sheet can say, which is 0."""
        if name not in self._resolved:
            self._resolved[name] = _resolve(self.architectures, name)
        return self._resolved[name]


def architecture_of(accelerator: Accelerator) -> Architecture:
    """What models know of a chip's architecture, with the fallbacks that stand for what nobody measured.

    Where the energy of a flop or the flops per clock are not known they follow from the chip's sheet:
    e = 1.53 P / p,  c = p / (n f), of board power P, BF16 peak p, n multiprocessors and the boost clock f.

    accelerator   of the catalogue; an architecture that the catalogue does not have is "unknown", with assumed values

    Ask it for every value, so that nothing falls back on another architecture unseen.
    """
    table = constants(Architectures)
    known = table.of(accelerator.architecture)
    if known.per_clock_flop and known.flop_energy_j_per_flop:
        return known
    peak = half_peak_flop_per_s(accelerator)
    energy = table.sheet.flop_energy_ratio * accelerator.board_power_w / peak
    return replace(
        known,
        per_clock_flop=known.per_clock_flop or peak / (accelerator.sms_count * accelerator.boost_clock_hz),
        flop_energy_j_per_flop=known.flop_energy_j_per_flop or energy,
    )


def graded_class(accelerator: Accelerator, subject: Subject) -> str:
    """How much is known of a chip in a subject, as intervals are classed: whether published rows of its architecture are.

    subject   one of `SUBJECTS`, such as "hpcg"
    """
    return "architecture graded" if subject in architecture_of(accelerator).graded else "architecture not graded"


def is_measured(accelerator: Accelerator, subject: Subject) -> bool:
    """True if something was measured or fitted on a chip's architecture for a subject, such as "steps" of training.

    subject   one of `SUBJECTS`
    """
    return subject in architecture_of(accelerator).fitted


def _resolve(entries: Mapping[str, ArchitectureEntry], name: str) -> Architecture:
    known = name if name in entries else UNKNOWN
    entry, wider = entries[known], (entries[known].wider, entries[UNKNOWN].wider)
    sources = {subject: _source(entries, known, subject) for subject in SUBJECTS}
    measured = known != UNKNOWN and bool(entry.fitted)

    def wide(ratio: str) -> float:
        own, unknown = (getattr(one, ratio) for one in wider)
        return float(own if own is not None else 1.0 if measured else unknown)

    def taken(subject: Subject, value: str) -> float:
        return float(getattr(entries[sources[subject]], value) or 0.0)

    tiling = entries[sources["tiling"]].tiling
    if tiling is None:
        raise UnknownName("architecture with a tiling", known, [key for key, one in entries.items() if one.tiling])
    switch = entry.switch_fraction
    return Architecture(
        name=known,
        title=entry.title,
        fitted=frozenset(subject for subject in SUBJECTS if subject in entry.fitted),
        graded=frozenset(subject for subject in SUBJECTS if subject in (*entry.fitted, *entry.graded)),
        fallbacks=tuple(
            Fallback(subject, known, source, entries[source].title if source in entries else source)
            for subject, source in sources.items()
            if subject not in entry.fitted
        ),
        attention_of=sources["attention"],
        attention_kernel=entry.attention_kernel,
        per_clock_flop=entry.per_clock_flop or 0.0,
        flop_energy_j_per_flop=entry.flop_energy_j_per_flop or 0.0,
        dgemm_fraction=taken("dgemm", "dgemm_fraction"),
        power_limited=entries[sources["dgemm"]].power_limited,
        fp64_energy_j_per_flop=entries[sources["dgemm"]].fp64_energy_j_per_flop or 0.0,
        hpcg_flop_per_byte=taken("hpcg", "hpcg_flop_per_byte"),
        panel_s=entry.panel_s,
        tiling=tiling,
        switch_fraction=taken("collectives", "switch_fraction") if switch is None else switch,
        latency_ratio=taken("collectives", "latency_ratio"),
        steps_fraction=taken("steps", "steps_fraction"),
        training_wider_ratio=wide("training_ratio"),
    )


def _source(entries: Mapping[str, ArchitectureEntry], name: str, subject: Subject) -> str:
    """The architecture whose values of a subject are taken; "sheet" for clocks that are not its own."""
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        if name not in entries:
            raise UnknownName("architecture", name, entries)
        entry = entries[name]
        if subject == "clocks":
            return name if entry.per_clock_flop and entry.flop_energy_j_per_flop else SHEET
        has = all(getattr(entry, one) is not None for one in _VALUES.get(subject, ()))
        if has and (subject in _VALUES or subject in entry.fitted):
            return name
        name = entry.fallback.get(subject, entry.fallback.get("default", UNKNOWN))
    return UNKNOWN
