"""What ships, and what is it, exactly: the names of each kind, a list of them, and all that is known of one.

`names` and `listing` answer `terp list`, and `about` answers `terp show` of everything, a machine too.  A name may be of
several kinds: `kinds_of` says of which.
"""

from terp.predict.about.described import About, about
from terp.predict.about.kinds import KINDS, kind_named, kinds_of, names
from terp.predict.about.listing import Listing, listing
from terp.predict.about.part_lines import AboutLine

__all__ = ["KINDS", "About", "AboutLine", "Listing", "about", "kind_named", "kinds_of", "listing", "names"]
