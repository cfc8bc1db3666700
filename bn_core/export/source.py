"""Programs put together from pieces that are kept as code, in ``snippets``.

The pieces are read as text and never imported here: the page process must not import torch.
"""

import ast
import functools
import re
from collections.abc import Iterable
from pathlib import Path

_SNIPPETS = Path(__file__).parent / "snippets"
_PLAIN_IN_LINK = re.compile(r"[^A-Za-z0-9:/?&=%.,;~_\-+@\[\]]")


@functools.cache
def _definitions(module: str) -> dict[str, str]:
    """Return the source of every function and class of a file of snippets, by name."""
    text = (_SNIPPETS / f"{module}.py").read_text(encoding="utf-8")
    lines, found = text.splitlines(), {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def snippets(module: str, names: Iterable[str]) -> list[str]:
    """Return the source of some definitions of a file of snippets, in the file's order."""
    wanted, held = set(names), _definitions(module)
    assert wanted <= set(held), f"{module} has no {sorted(wanted - set(held))}"
    return [source for name, source in held.items() if name in wanted]


def needed_snippets(module: str, code: str) -> list[str]:
    """Return the source of the definitions that some code uses, and of those that these use."""
    held, wanted, waiting = _definitions(module), set[str](), [code]
    while waiting:
        names = {
            node.id for node in ast.walk(ast.parse(waiting.pop())) if isinstance(node, ast.Name)
        }
        waiting += [held[name] for name in (names & set(held)) - wanted]
        wanted |= names & set(held)
    return snippets(module, wanted)


def imports_source(modules: Iterable[str], *froms: str) -> str:
    """Return the imports of Python's own modules, and lines "from … import …", in order."""
    lines = [f"import {name}" for name in sorted(set(modules))]
    return "\n".join([*lines, *sorted(froms)])


def program(docstring: str, imports: str, constants: str, definitions: Iterable[str]) -> bytes:
    """Return a program as UTF-8: two empty lines between definitions, one new line at the end."""
    head = f'"""{docstring.strip()}\n"""\n\n{imports.strip()}\n\n{constants.strip()}'
    return ("\n\n\n".join([head, *(one.strip() for one in definitions)]) + "\n").encode()


def safe_link(link: str) -> str:
    """Return a link that can stand in a comment or docstring: signs that could end it are left out.

    At most 2,000 characters.
    """
    return _PLAIN_IN_LINK.sub("", link)[:2000]


def plain_words(label: str) -> str:
    """Return a label that can stand between double quotes: no quotes, backslashes, line ends."""
    return re.sub(r"[\"\\]|[^\x20-\x7e\xa0-\U0010ffff]|[\u2028\u2029]", "", label)[:80]


def identifier(label: str, taken: Iterable[str]) -> str:
    """Return a class name made of a label, such as BnBeforeBatch4, that is not yet taken."""
    words = re.findall(r"[A-Za-z0-9]+", label)
    name = "".join(word[0].upper() + word[1:].lower() for word in words) or "Net"
    name = name if name[0].isalpha() else f"Net{name}"
    held, count, unique = set(taken), 1, name[:60]
    while unique in held:
        count += 1
        unique = f"{name[:60]}{count}"
    return unique
