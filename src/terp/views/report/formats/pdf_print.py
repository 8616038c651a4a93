"""A page printed as PDF by the browser that this computer has: Chromium, Chrome or Edge, without a window.

A library that lays out pages would be the largest dependency of Terp, and would not know the style that a browser knows.
So the browser does it, with a profile of its own that is thrown away, in a folder that only this user can read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from terp.errors import Problem, Problems, printable

BROWSERS: Final = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium",
)  # fmt: skip
"""Commands that print a page, in the order in which they are looked for."""
VARIABLE: Final = "TERP_BROWSER"
"""Environment variable that names the browser to print with."""
_LIMIT_S: Final = 120


def browser() -> str | None:
    """The browser to print with: the one that TERP_BROWSER names, else the first that is there; None without any.

    Where TERP_BROWSER names nothing that is there, the answer is None: no other browser is taken in its place.
    """
    named = os.environ.get(VARIABLE)
    return shutil.which(named) if named else next((path for name in BROWSERS if (path := shutil.which(name))), None)


def as_pdf(page: str) -> bytes:
    """A page as PDF, on A4, with what is folded open.

    Raises Problems where no browser is there, and where it fails or takes longer than two minutes.

    page   HTML, complete in itself

    The page and the browser's profile lie in a folder of their own, which is gone when the bytes are given.  For root it
    runs without its sandbox, since Chromium refuses root with it.
    """
    program = browser()
    if program is None:
        named = os.environ.get(VARIABLE)
        wrong = (
            f"PDF needs a browser, and {VARIABLE} names none that is there"
            if named
            else "PDF needs a browser, and none is here"
        )
        would_do = "install Chromium (apt install chromium), or write HTML and print that from any browser"
        raise Problems([Problem("", 0, 0, "--format", wrong, repr(named) if named else "", would_do)])
    with tempfile.TemporaryDirectory(prefix="terp-pdf-") as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, "utf-8")
        words = [
            program, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", source.as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            words.insert(1, "--no-sandbox")  # Chromium refuses root with it; the page is ours and has no script
        try:
            done = subprocess.run(words, capture_output=True, timeout=_LIMIT_S, check=False)  # noqa: S603 (a fixed list)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(program, str(error)) from None
        if not target.is_file() or target.stat().st_size == 0:
            raise _failed(program, done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
        return target.read_bytes()


def _failed(program: str, words: str) -> Problems:
    """A refusal that names the browser, with its last words.

    program   path of the browser;  words   what it said, of which 200 characters are shown
    """
    would_do = f"write HTML and print that, or name another browser in {VARIABLE}"
    return Problems([Problem(program, 0, 0, "", "did not print the page", printable(words)[:200], would_do)])
