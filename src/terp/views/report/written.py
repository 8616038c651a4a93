"""Writes anything that Terp makes: which format a name asks for, which page a thing has, and where it goes.

The command line and `.report(path)` of results both end here, so that the two refuse the same names and write the
same bytes.  What a page needs is loaded when there is one of its kind to make.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, cast, get_args

from terp.errors import Problem, Problems, did_you_mean
from terp.files import write_whole
from terp.hardware import Machine
from terp.plan import PurchasePlan
from terp.results import Run, Sweep
from terp.results.benchmark_results import HpcgResult, HplResult, MxpResult
from terp.results.replay_folder import Replay
from terp.results.training_results import SearchResult, TrainingResult
from terp.sweep import Comparison
from terp.validate import AllGrades, Grades
from terp.views.report.frame import Page, as_page

Format = Literal["html", "pdf", "md", "csv"]
"""What a report may be written as."""
Thing = (
    Run | Replay | Sweep | Comparison | PurchasePlan | Machine | AllGrades | Grades | TrainingResult | SearchResult
    | HplResult | HpcgResult | MxpResult
)  # fmt: skip
"""What a report may be of."""
ENDINGS: Final[dict[str, Format]] = {".html": "html", ".htm": "html", ".pdf": "pdf", ".md": "md", ".csv": "csv"}
"""Ending of a name -> the format that it asks for."""


def format_of(out: Path | None, wanted: str | None) -> Format:
    """The format of a report: what is wanted, else what the ending of its name says, else HTML.

    out   the file, or with CSV a folder of tables;  wanted   a `Format`, None where it was not said

    Raises Problems for an ending that says nothing, and for one that says otherwise than what is wanted.

    A folder of tables is asked for by "csv" with a name that has none of the ENDINGS.

    >>> format_of(Path("year.pdf"), None), format_of(Path("tables"), "csv"), format_of(None, None)
    ('pdf', 'csv', 'html')
    """
    if wanted is not None and wanted not in get_args(Format):
        would_do = did_you_mean(wanted, get_args(Format))
        raise Problems([Problem("", 0, 0, "--format", "no such format", repr(wanted), would_do)])
    ending = "" if out is None else out.suffix.lower()
    if out is None or (wanted == "csv" and ending not in ENDINGS):
        return cast("Format", wanted or "html")
    if ending not in ENDINGS:
        known = ", ".join(dict.fromkeys(ENDINGS))
        would_do = f"end it with one of {known}, or say --format csv for a folder of tables"
        raise Problems([Problem(str(out), 0, 0, "", "a name that says no format of a report", repr(ending), would_do)])
    if wanted is not None and ENDINGS[ending] != wanted:
        would_do = f"leave out --format, or end the name with .{wanted}"
        raise Problems(
            [Problem(str(out), 0, 0, "", f"the name says {ENDINGS[ending]}, and the format {wanted}", "", would_do)]
        )
    return ENDINGS[ending]


def as_html_page(thing: Thing, language: str = "en") -> str:
    """The page of a thing, complete in itself.

    language   "en", or "nl" for plans.  Raises Problems for another language than a page has

    thing   a result or a machine, read or just made
    Raises Problems as well for a thing that no page is made of.
    """
    if isinstance(thing, PurchasePlan):
        from terp.views.brief import as_brief

        return as_brief(thing, language)
    if language != "en":
        wrong, would_do = "pages other than a plan's are in English", "leave it out"
        raise Problems([Problem("", 0, 0, "--lang", wrong, repr(language), would_do)])
    return as_page(_page(thing))


def _page(thing: Thing) -> Page:
    """The parts of a thing's page, by its kind; what a page needs is loaded when there is one to make.

    thing   any result or machine; one that has no page is refused by its kind
    """
    if isinstance(thing, Run):
        from terp.views.report.run.run_page import run_page

        return run_page(thing)
    if isinstance(thing, Replay):
        from terp.views.report.run.replay_page import replay_page

        return replay_page(thing)
    if isinstance(thing, Sweep):
        from terp.views.report.sweep.sweep_page import sweep_page

        return sweep_page(thing)
    if isinstance(thing, Comparison):
        from terp.views.report.sweep.comparison_page import comparison_page

        return comparison_page(thing)
    if isinstance(thing, Machine):
        from terp.views.report.machine.machine_page import machine_page

        return machine_page(thing)
    if isinstance(thing, AllGrades | Grades):
        from terp.views.report.validation.validation_page import validation_page

        return validation_page(thing)
    if isinstance(thing, TrainingResult | SearchResult):
        from terp.views.report.prediction.training_page import training_page

        return training_page(thing)
    if isinstance(thing, HplResult | HpcgResult | MxpResult):
        from terp.views.report.prediction.benchmark_page import benchmark_page

        return benchmark_page(thing)
    raise Problems(
        [Problem("", 0, 0, "", "no page is made of this", type(thing).__name__, "a result, a plan or a machine would do")]
    )


def write_report(thing: Thing, out: Path, wanted: str | None = None, language: str = "en") -> list[Path]:
    """Writes the report of a thing, and gives the files that were written.

    out      the file; with CSV the folder of its tables, or a file where there is one table alone
    wanted   a `Format`; None to go by the ending of the name

    Raises Problems for a name or a format that does not go, and where it cannot be written.

    thing      a result, a plan or a machine;  language   "en", or "nl" for plans
    """
    kind = format_of(out, wanted)
    if kind == "csv":
        return _write_tables(thing, out)
    page = as_html_page(thing, language)
    return [write_page(page, out, kind)]


def write_page(page: str, out: Path, kind: Format) -> Path:
    """Writes a page that is made already, as HTML, PDF or Markdown, and gives the file that it was given.

    page   HTML, complete in itself;  out   the file, whose ending is not looked at;  kind   any format but "csv"

    Raises Problems where no browser prints the PDF, and where the file cannot be written: an old one is then as it was.
    """
    content: str | bytes = page
    if kind == "pdf":
        from terp.views.report.formats.pdf_print import as_pdf

        content = as_pdf(page)
    elif kind == "md":
        from terp.views.report.formats.markdown_text import as_markdown

        content = as_markdown(page)
    write_whole(out, content)
    return out


def _write_tables(thing: Thing, out: Path) -> list[Path]:
    """Writes the tables of a thing: into a folder, a file each, or the one table that it has into a file.

    out   a folder, which is made if it is not there, or a file that ends with .csv

    Gives the files that were written, in the order of the tables.  Raises Problems where several tables would go into one
    file, and where the folder or a file cannot be written.
    """
    from terp.views.report.formats.csv_tables import as_csv, tables_of

    tables = tables_of(thing)
    if out.suffix.lower() == ".csv":
        if len(tables) > 1:
            wrong, would_do = f"{len(tables)} tables do not go into one file", "name a folder: --format csv -o DIR"
            raise Problems([Problem(str(out), 0, 0, "", wrong, ", ".join(tables), would_do)])
        write_whole(out, as_csv(next(iter(tables.values()))))
        return [out]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        wrong = f"is no folder for tables: {error.strerror or error}"
        raise Problems([Problem(str(out), 0, 0, "", wrong, would_do="name another with -o")]) from None
    written = []
    for name, table in tables.items():
        write_whole(out / f"{name}.csv", as_csv(table))
        written.append(out / f"{name}.csv")
    return written
