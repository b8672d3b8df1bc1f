"""Source text of an expression or a simple statement, from Cython's tree, for reports."""

from __future__ import annotations

from collections.abc import Callable

from proof.tree import Node


def text(node: Node) -> str:
    """The node as source, with every inner operation in brackets."""
    return _WRITERS.get(type(node).__name__, _other)(node)


def _other(node: Node) -> str:
    if hasattr(node, "operand1"):
        return f"({text(node.operand1)} {node.operator} {text(node.operand2)})"
    return f"<{type(node).__name__}>"


def _comparison(node: Node) -> str:
    parts, step = text(node.operand1), node
    while step is not None:
        parts += f" {_operator(step.operator)} {text(step.operand2)}"
        step = step.cascade
    return f"({parts})"


def _operator(operator: str) -> str:
    return operator.replace("_", " ")


def _cast(node: Node) -> str:
    return f"<{getattr(node.base_type, 'name', '...')}>{text(node.operand)}"


def _joined(node: Node) -> str:
    parts = [f"{{{text(part.value)}}}" if hasattr(part, "c_format_spec") else str(part.value) for part in node.values]
    return f"f'{''.join(parts)}'"


_WRITERS: dict[str, Callable[[Node], str]] = {
    "NameNode": lambda n: str(n.name),
    "AttributeNode": lambda n: f"{text(n.obj)}.{n.attribute}",
    "IndexNode": lambda n: f"{text(n.base)}[{text(n.index)}]",
    "IntNode": lambda n: str(n.value),
    "FloatNode": lambda n: str(n.value),
    "BoolNode": lambda n: str(bool(n.value)),
    "NoneNode": lambda n: "None",
    "UnicodeNode": lambda n: repr(str(n.value)),
    "JoinedStrNode": _joined,
    "PrimaryCmpNode": _comparison,
    "NotNode": lambda n: f"not {text(n.operand)}",
    "UnaryMinusNode": lambda n: f"-{text(n.operand)}",
    "TildeNode": lambda n: f"~{text(n.operand)}",
    "AmpersandNode": lambda n: f"&{text(n.operand)}",
    "TypecastNode": _cast,
    "SizeofTypeNode": lambda n: f"sizeof({getattr(n.base_type, 'name', '...')})",
    "SizeofVarNode": lambda n: f"sizeof({text(n.operand)})",
    "CondExprNode": lambda n: f"({text(n.true_val)} if {text(n.condition)} else {text(n.false_val)})",
    "SimpleCallNode": lambda n: f"{text(n.function)}({', '.join(map(text, n.args))})",
    "TupleNode": lambda n: f"({', '.join(map(text, n.args))})",
    "SingleAssignmentNode": lambda n: f"{text(n.lhs)} = {text(n.rhs)}",
    "InPlaceAssignmentNode": lambda n: f"{text(n.lhs)} {n.operator}= {text(n.rhs)}",
    "ExprStatNode": lambda n: text(n.expr),
    "ReturnStatNode": lambda n: f"return {text(n.value)}" if n.value else "return",
    "RaiseStatNode": lambda n: f"raise {text(n.exc_type)}" if n.exc_type else "raise",
    "ContinueStatNode": lambda n: "continue",
    "BreakStatNode": lambda n: "break",
    "PassStatNode": lambda n: "pass",
    "IfStatNode": lambda n: f"if {text(n.if_clauses[0].condition)}: ...",
    "ForInStatNode": lambda n: f"for {text(n.target)} in {text(n.iterator.sequence)}: ...",
}
