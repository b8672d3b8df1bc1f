"""Where in a TOML file each value stands: tomllib tells no positions, a syntax tree does."""

from __future__ import annotations

import ast
from collections import Counter

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]
"""Keys and indices from the top of the document to a value."""

_LANGUAGE = Language(tree_sitter_toml.language())
_KEYS = ("bare_key", "quoted_key", "dotted_key")
_VALUES = ("inline_table", "array", "string", "integer", "float", "boolean")


def lines(text: str) -> dict[Path, int]:
    """The line (1 is the first) of every key, table and element of an array, by its path. `text` is valid TOML."""
    found: dict[Path, int] = {(): 1}
    tables: Counter[Path] = Counter()
    for node in Parser(_LANGUAGE).parse(text.encode()).root_node.children:
        if node.type == "pair":
            _pair(node, (), found)
        elif node.type in ("table", "table_array_element"):
            _table(node, tables, found)
    return found


def _table(node: Node, tables: Counter[Path], found: dict[Path, int]) -> None:
    path = _placed(_keys(node), tables)
    if node.type == "table_array_element":
        found.setdefault(path, _line(node))
        tables[path] += 1
        path = (*path, tables[path] - 1)
    found[path] = _line(node)
    for child in node.children:
        if child.type == "pair":
            _pair(child, path, found)


def _placed(keys: Path, tables: Counter[Path]) -> Path:
    """The path of a header: each name of an array of tables but the last means its newest element."""
    path: Path = ()
    for number, key in enumerate(keys):
        path = (*path, key)
        if tables[path] and number < len(keys) - 1:
            path = (*path, tables[path] - 1)
    return path


def _pair(node: Node, under: Path, found: dict[Path, int]) -> None:
    path = under
    for key in _keys(node):
        path = (*path, key)
        found.setdefault(path, _line(node))
    for child in node.children:
        if child.type in _VALUES:
            _value(child, path, found)


def _value(node: Node, path: Path, found: dict[Path, int]) -> None:
    found.setdefault(path, _line(node))
    if node.type == "inline_table":
        for pair in node.children:
            if pair.type == "pair":
                _pair(pair, path, found)
    elif node.type == "array":
        for index, element in enumerate(c for c in node.children if c.is_named and c.type != "comment"):
            _value(element, (*path, index), found)


def _keys(node: Node) -> Path:
    """The key of a pair or a header, in its parts."""
    key = next(c for c in node.children if c.type in _KEYS)
    return tuple(_names(key))


def _names(key: Node) -> list[str]:
    if key.type == "dotted_key":
        return [name for child in key.children if child.type in _KEYS for name in _names(child)]
    text = (key.text or b"").decode()
    if key.type == "bare_key":
        return [text]
    return [str(ast.literal_eval(text)) if text.startswith('"') else text[1:-1]]


def _line(node: Node) -> int:
    return node.start_point.row + 1
