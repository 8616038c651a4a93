"""JSON of any length -> its entries one by one, in bounded memory; and JSON documents whole, with one line a mistake.

Tables of jobs in JSON are one long list, alone or under a key of the outermost object.  `json_entries` reads pieces of the
file and takes entry after entry from them, so that no more is in memory than a piece and an entry.  Python's own parser
does the parsing; what it raises on hostile text (nesting, numbers of thousands of digits) is one line here.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Final

from terp.errors import Problem, Problems
from terp.files.open_file import MAX_BYTES, open_unpacked, read_text

MOST_ENTRY_LETTERS: Final = 4 * 2**20
"""Longest single entry of a list, or value beside it, in characters; what it is parsed into takes some twenty times that."""
_PIECE_BYTES: Final = 2**20
"""How much of a file is read at a time; more where an entry is longer."""
_BLANKS: Final = " \t\n\r"
_CUT_LETTERS: Final = 16
"""A mistake so close to the end of what was read may be none once more is read."""


def json_of_text(text: str, file: str) -> object:
    """What a JSON text says.  Raises Problems, in one line, for what is none, is nested too deep, or has endless numbers.

    text   at most some megabytes;  file  its name, for the problem
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Problems([Problem(file, error.lineno, error.colno, "", f"not JSON: {error.msg}")]) from None
    except (RecursionError, ValueError) as error:
        raise Problems([Problem(file, 0, 0, "", f"not JSON: {_hostile(error)}")]) from None


def read_json(path: Path, most_bytes: int = MAX_BYTES) -> object:
    """What a JSON file says, read whole.  Raises Problems if it cannot be read or is none.

    path         of a text, not packed
    most_bytes   that the file may have
    """
    return json_of_text(read_text(path, most_bytes), str(path))


def _hostile(error: Exception) -> str:
    """What is wrong with JSON that is none for its size.

    It would overrun the stack, or has a number of thousands of digits, which Python does not read.
    """
    return "nested too deep" if isinstance(error, RecursionError) else "a number of too many digits"


def json_entries(path: Path, key: str = "") -> Iterator[object]:
    """The entries of the list that a JSON file is, or that stands under a key of its outermost object, one by one.

    path   of the text, packed by gzip or not
    key    of the list where the file is an object; without one the file must be a list itself

    Raises Problems where the text is no JSON, after the entries before the mistake were given: a caller that must not take
    half a file waits for the end.  Raises `NoList` where the file is JSON and has no such list.
    """
    with open_unpacked(path) as stream:
        yield from _Scanner(stream, str(path)).entries(key)


class NoList(Problems):
    """A file that is JSON, but has no list where one was looked for."""


class _Scanner:
    """Takes values from a stream of text, and forgets what it has taken.

    It holds a piece of the text, the place in it up to which all was taken, and the line of the file that the piece
    begins on.  A value that the piece cuts off is parsed again with more of the text; since what is held may double each
    time, that costs no more than twice the parsing of it whole.
    """

    def __init__(self, stream: IO[bytes], file: str) -> None:
        self._stream, self._file = stream, file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._line, self._ended = "", 0, 1, False
        self._parse = json.JSONDecoder().raw_decode

    def entries(self, key: str) -> Iterator[object]:
        """The entries of the outermost list, or of the one under the key."""
        first = self._look()
        found = first == "[" and not key
        if found:
            yield from self._list()
        elif first == "{":
            found = yield from self._object(key)
        else:
            self._value()
        if self._look():
            raise self._wrong("more after its end")
        if not found:
            raise NoList([Problem(self._file, 0, 0, "", f"JSON without a list `{key}`" if key else "JSON, but no list")])

    def _object(self, key: str) -> Generator[object, None, bool]:
        """The entries of the list under a key of an object; gives whether it was there.  Other values are passed over."""
        self._at += 1
        found = False
        if self._look() == "}":
            self._at += 1
            return found
        while True:
            if self._look() != '"':
                raise self._wrong("a key in quotes should stand here")
            name = self._value()
            self._take(":")
            begins = self._look()
            if name == key and begins == "[":
                if found:
                    raise self._wrong(f"the key `{key}` stands twice")
                found = True
                yield from self._list()
            else:
                self._value()
            if not self._goes_on("}"):
                return found

    def _list(self) -> Iterator[object]:
        """The entries of a list whose bracket comes next.

        Raises Problems where an entry is no JSON, or where neither a comma nor the end follows one.
        """
        self._at += 1
        if self._look() == "]":
            self._at += 1
            return
        while True:
            self._look()
            yield self._value()
            if not self._goes_on("]"):
                return

    def _goes_on(self, end: str) -> bool:
        """Takes a comma, or the end of a list or an object, which gives False."""
        letter = self._look()
        if letter not in (",", end):
            raise self._wrong(f"a comma or {end} should stand here")
        self._at += 1
        return letter == ","

    def _take(self, wanted: str) -> None:
        """Takes a letter that must come next.

        wanted   one letter;  raises Problems where another or the end of the file comes
        """
        if self._look() != wanted:
            raise self._wrong(f"{wanted} should stand here")
        self._at += 1

    def _look(self) -> str:
        """The next letter that is no blank; empty at the end of the file."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANKS:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def _value(self) -> object:
        """The value that comes next; reads on until it is whole."""
        while True:
            try:
                value, end = self._parse(self._text, self._at)
                if len(self._text) - end >= _CUT_LETTERS or not self._more():  # a number may go on in the next piece
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                open_end = error.msg.startswith("Unterminated") or len(self._text) - error.pos <= _CUT_LETTERS
                if not open_end or not self._more():
                    self._at = min(error.pos, len(self._text))
                    raise self._wrong(error.msg) from None
            except (RecursionError, ValueError) as error:
                raise self._wrong(_hostile(error)) from None

    def _more(self) -> bool:
        """Reads on; False at the end of the file.  What was taken is forgotten, and what is kept may double."""
        if self._ended:
            return False
        self._line += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :], 0
        if len(self._text) > MOST_ENTRY_LETTERS:
            raise self._wrong("one entry is longer than four million characters")
        data = self._stream.read(max(_PIECE_BYTES, min(len(self._text), MOST_ENTRY_LETTERS - len(self._text))))
        self._ended = not data
        try:
            self._text += self._decode.decode(data, final=self._ended)
        except UnicodeDecodeError:
            raise self._wrong("its letters are not UTF-8") from None
        return True

    def _wrong(self, what: str) -> Problems:
        """The text is no JSON, here.

        what   is wrong, to follow "not JSON: "

        The problem names the line of the file that the scanner has come to; its column is always 1.
        """
        line = self._line + self._text.count("\n", 0, self._at)
        return Problems([Problem(self._file, line, 1, "", f"not JSON: {what}", would_do="write it again, whole")])
