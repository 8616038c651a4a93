"""DOES IT STAND THERE WHOLE?

The one way in which Terp writes: a file or a folder stands under its name whole, as it was or as it is now, whatever kills
the writer and whenever.  What a killed writer left is swept by the next one, and a folder has one writer at a time.

The one way in which it reads: `open_file` opens regular files alone and stops at limits; `json_text` and `parquet_file`
read what is in them, whoever wrote it.

The modules: `whole_file` and `whole_folder` write, `folder_lock` keeps a second writer out, `document_check` and
`table_check` compare what was read with what should stand there.  Nothing here knows what a result means; who writes one
hands over its `FolderKind`, which also tells what an earlier result there answers: `same_question` compares.
"""

from terp.files.folder_lock import Writing, one_writer
from terp.files.same_question import Question
from terp.files.whole_file import cannot_write, write_through, write_whole
from terp.files.whole_folder import FolderKind, check_target, settle, sweep_left, write_folder

__all__ = [
    "FolderKind",
    "Question",
    "Writing",
    "cannot_write",
    "check_target",
    "one_writer",
    "settle",
    "sweep_left",
    "write_folder",
    "write_through",
    "write_whole",
]
