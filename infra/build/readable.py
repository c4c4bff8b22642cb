"""What a reader can hold in the head at once, and pages that lead somewhere: a file has at most 300 lines, a function 40, and no page names one that is gone.

The way out is to split by noun (docs/add-an-app.md has the names). A file that is longer for now stands in LONGER, with its reason.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
LONGER = {"services/governance/tests/integration/test_indicators.py": "being split by its authors"}
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)[^)]*\)")
NOT_OURS = {"gen", "vendor"}


def too_long(path: Path) -> Iterator[str]:
    """The file and those of its functions that are too long."""
    text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
    if (lines := text.count("\n")) > LONGEST_FILE and name not in LONGER:
        yield f"{name}: {lines} lines, at most {LONGEST_FILE}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION:
            yield f"{name}:{node.lineno}: {node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines, at most {LONGEST_FUNCTION}"


def leading_nowhere(page: Path) -> Iterator[str]:
    """Links of a page to files that are not there."""
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if not (page.parent / link).exists():
            yield f"{page.relative_to(ROOT).as_posix()}: {link} is not there"


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    files = [file for name in sys.argv[1:] for file in sorted((ROOT / name).rglob("*.py") if (ROOT / name).is_dir() else [ROOT / name])]
    folders = [each for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")]
    pages = [*ROOT.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md") if not NOT_OURS & set(page.parts))]
    wrong = [*(fault for file in files for fault in too_long(file)), *(fault for page in pages for fault in leading_nowhere(page))]
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
