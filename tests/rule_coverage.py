"""Which test proves which of the rules in docs/compliance/rules.csv: read from the marks ``rule(number)`` of the tests.

`.venv/bin/python -m tests.rule_coverage` writes docs/compliance/coverage.md; a test holds it to the truth.
"""

from __future__ import annotations

import ast
import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "compliance"
PAGE = FOLDER / "coverage.md"


def read_rules() -> dict[int, dict[str, str]]:
    """By number: where it applies, what it says, where it stands, and why it is missing (empty: it is not)."""
    with (FOLDER / "rules.csv").open(newline="") as file:
        return {int(row["number"]): row for row in csv.DictReader(file)}


def read_marks() -> dict[int, list[str]]:
    """The tests that carry each number, as "path::name"."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number, name in _marks(ast.parse(path.read_text())):
            found[number].append(f"{path.relative_to(ROOT)}::{name}")
    return found


def _marks(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Marks of a function, of its class, or of the whole file (``pytestmark``)."""
    of_file = [number for node in module.body if _is_pytestmark(node) for number in _numbers(node)]
    for node in module.body:
        of_class = [number for mark in getattr(node, "decorator_list", ()) for number in _numbers(mark)]
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        for test in inside:
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                own = [number for mark in test.decorator_list for number in _numbers(mark)]
                for number in sorted({*of_file, *of_class, *own}):
                    yield number, test.name


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "pytestmark" for target in node.targets)


def _numbers(node: ast.AST) -> Iterator[int]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "rule":
            yield from (argument.value for argument in call.args if isinstance(argument, ast.Constant))  # type: ignore[misc]


def page() -> str:
    """The whole page, as it should be."""
    rules, marks = read_rules(), read_marks()
    proved = sum(number in marks for number in rules)
    lines = [
        "# Rules and what proves them",
        "",
        f"{proved} of {len(rules)} rules are proved by tests. Made from [the rules](rules.csv) and the tests' marks by",
        "`.venv/bin/python -m tests.rule_coverage`; a test fails when this page is not what that writes.",
        "",
        "| no. | where | rule | source | status | tests |",
        "|---|---|---|---|---|---|",
    ]
    for number, rule in rules.items():
        tests = marks.get(number, [])
        status = "proved" if tests and not rule["missing"] else "in part" if tests else "missing"
        note = f"{status}: {rule['missing']}" if rule["missing"] else status
        names = "<br>".join(f"`{test}`" for test in tests)
        lines.append(f"| {number} | {rule['where']} | {rule['rule']} | {rule['source']} | {note} | {names} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
