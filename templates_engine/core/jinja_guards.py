"""Questions about parsed expressions: what they name, and what a condition makes sure."""

from __future__ import annotations

from jinja2 import nodes

_SURE = frozenset({"gt", "gteq", "lt", "lteq"})

Sure = frozenset[str]
"""Names of which a surrounding condition says that they hold something."""


def line_start(source: str, line: int) -> int:
    """The character at which a line (from 1) begins."""
    return sum(len(text) + 1 for text in source.split("\n")[: max(line - 1, 0)])


def tell(node: nodes.Expr) -> str:
    """`product.name` for a name with fixed keys, "" for anything worked out."""
    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.Getattr):
        inner = tell(node.node)
        return f"{inner}.{node.attr}" if inner else ""
    if isinstance(node, nodes.Getitem) and is_constant_key(node.arg):
        inner = tell(node.node)
        assert isinstance(node.arg, nodes.Const)  # noqa: S101 - is_constant_key has asked
        key = str(node.arg.value)
        return f"{inner}.{key}" if inner and "." not in key and key else ""
    return ""


def printed_names(node: nodes.Node) -> set[str]:
    """The slots whose values an expression may print (not those it only tests)."""
    if isinstance(node, nodes.Name):
        return {node.name}
    if isinstance(node, (nodes.Compare, nodes.Test, nodes.Not)):
        return set()
    if isinstance(node, nodes.CondExpr):
        branches = [node.expr1] if node.expr2 is None else [node.expr1, node.expr2]
        return {name for branch in branches for name in printed_names(branch)}
    if isinstance(node, nodes.Filter) and node.node is not None:
        return printed_names(node.node)
    return {name for child in node.iter_child_nodes() for name in printed_names(child)}


def is_constant_key(arg: nodes.Expr) -> bool:
    return isinstance(arg, nodes.Const) and type(arg.value) in (str, int)


def rename_root(node: nodes.Expr, root: str) -> None:
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        if isinstance(node.node, nodes.Name) and node.node.name == root:
            node.node = nodes.Name(f"v_{root}", "load", lineno=node.lineno)
            return
        node = node.node


def sure_if(test: nodes.Expr) -> Sure:
    """What surely holds something when the (rewritten) test is true."""
    if isinstance(test, nodes.And):
        return sure_if(test.left) | sure_if(test.right)
    if isinstance(test, nodes.Test) and test.name == "defined":
        return sure_if(test.node)
    if isinstance(test, nodes.Compare) and all(operand.op in _SURE for operand in test.ops):
        return sure_if(test.expr)
    if isinstance(test, nodes.Not):
        return sure_unless(test.node)
    told = tell(test)
    return frozenset({told}) if told else frozenset()


def sure_unless(test: nodes.Expr) -> Sure:
    """What surely holds something when the test is false."""
    if isinstance(test, nodes.Not):
        return sure_if(test.node)
    if isinstance(test, nodes.Or):
        return sure_unless(test.left) | sure_unless(test.right)
    if isinstance(test, nodes.Test) and test.name in ("undefined", "none"):
        return sure_if(test.node)
    return frozenset()


def is_blank(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and not str(node.value).strip()
