"""One catalogue of messages: the sentence of every code, the texts of the pages and the names of things, by language.

`Language` writes them; `en.yaml` and `nl.yaml` hold them, under the same keys with the same gaps, which a test compares.
"""

from terp.views.messages.gaps import gaps_of
from terp.views.messages.language import Coded, Language, capital, read_catalogue_of

__all__ = ["Coded", "Language", "capital", "gaps_of", "read_catalogue_of"]
