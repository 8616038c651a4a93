"""How a page is written: as HTML, as PDF by the browser of this computer, as Markdown; and the tables of a thing as CSV."""
