"""`python -m components.flows_document`: writes the table of flows into docs/flows.md, between its marks."""

from pathlib import Path

from components.flows import as_markdown

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "flows.md"
BEGIN, END = "<!-- the table, from components/flows.py -->\n", "<!-- end of the table -->\n"


def with_table(document: str) -> str:
    """The document with today's table. Raises ValueError when a mark is missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        msg = (
            f"{DOCUMENT} has lost a mark; put {BEGIN.strip()!r} before the table and {END.strip()!r} after it"
        )
        raise ValueError(msg)
    return f"{before}{BEGIN}\n{as_markdown()}\n{END}{after}"


def main() -> None:
    """Writes the document in place."""
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))


if __name__ == "__main__":
    main()
