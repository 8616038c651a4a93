"""Predictions that were kept as JSON, read back as the records that made them.

`terp predict ... --json > FILE` keeps one; titles for people are no part of a document, so that a reader goes by names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final, cast

from pydantic import TypeAdapter, ValidationError

from terp.errors import Problem, Problems
from terp.notes import Caveat
from terp.reader import read_json
from terp.results.benchmark_results import HpcgResult, HplResult, MxpResult
from terp.results.record import WRITTEN, Result
from terp.results.training_results import SearchResult, TrainingResult, TrainingSplit

Prediction = TrainingResult | SearchResult | HplResult | HpcgResult | MxpResult
"""What `terp predict` gives."""
_BENCHMARKS: Final[dict[str, type[Result]]] = {"hpl": HplResult, "hpcg": HpcgResult, "mxp": MxpResult}


def read_prediction(path: str | Path) -> Prediction:
    """The prediction of a file that `terp predict ... --json` printed.

    Its caveats come back as the sentences that they were printed as.  Raises Problems for what is none, part by part.

    path   of the file; titles of machine and model are not in it, so that pages of it go by their names

        result = read_prediction("step.json")
        result.report("step.html")
    """
    return prediction_of(read_json(Path(path)), str(path))


def prediction_of(document: object, file: str = "") -> Prediction:
    """The prediction of a document, as `to_dict` gives it.

    file   named in errors.  Raises Problems, one for each part that does not fit

    document   of a step, a search, HPL, HPCG or HPL-MxP; `caveats` are sentences, and keep their words

    What is read equals what was kept as far as documents go: the same keys with the same values.
    """
    kind = _kind_of(document)
    if kind is None or not isinstance(document, Mapping):
        would_do = "what `terp predict MACHINE train|hpl|hpcg|mxp --json` prints"
        raise Problems([Problem(file, 0, 0, "", "holds no prediction", would_do=would_do)])
    said = document.get("caveats", [])
    names = {key: name for name, key in WRITTEN.items()}
    plain = {names.get(key, key): value for key, value in document.items() if key != "caveats"}
    plain["caveats"] = [Caveat("as-printed", {"words": str(words)}) for words in said] if isinstance(said, list) else []
    if kind is TrainingResult:
        plain["strategy"] = _split(plain.get("strategy"))
    if kind is SearchResult and isinstance(plain.get("frontier"), list):
        plain["frontier"] = [{**entry, "strategy": _split(entry.get("strategy"))} if isinstance(entry, Mapping) else entry
                             for entry in plain["frontier"]]  # fmt: skip
    try:
        read = cast("Prediction", TypeAdapter(kind).validate_python(plain))
    except ValidationError as error:
        problems = [
            Problem(file, 0, 0, ".".join(map(str, wrong["loc"])), wrong["msg"].lower(), "", "a prediction of this release")
            for wrong in error.errors()
        ]
        raise Problems(problems) from None
    if isinstance(read, SearchResult) and not read.frontier:
        raise Problems([Problem(file, 0, 0, "frontier", "a search that found nothing", would_do="search again")])
    return read


def _kind_of(document: object) -> type[Result] | None:
    """Which record a document is of, by the keys that only one has; None where it is of none.

    document   of any kind at all; of a benchmark by its name, of a training by its step, of a search by its frontier
    """
    if not isinstance(document, Mapping):
        return None
    if "frontier" in document and "evaluated_count" in document:
        return SearchResult
    if "step_s" in document and "strategy" in document:
        return TrainingResult
    benchmark = document.get("benchmark")
    return _BENCHMARKS.get(benchmark) if isinstance(benchmark, str) else None


def _split(values: object) -> object:
    """A split by the names of its record's fields: `tp` is `tp_count`.

    values   of a document; what is no mapping is left for the reader to refuse
    """
    if not isinstance(values, Mapping):
        return values
    names = [field.name for field in fields(TrainingSplit)]
    return {name: values.get(name, values.get(name.removesuffix("_count"))) for name in names if name in values
            or name.removesuffix("_count") in values}  # fmt: skip
