"""The checker: which part of Jinja2 a text may use, and whether something is always read.

It walks the parsed template once and rewrites it: every fact becomes a slot that is filled
before the render (so facts pass the same cleaners as in bracket templates), loops and joins go
through bounded filters, everything else is refused with its line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from jinja2 import nodes

from templates_engine.core.field import Field as RegistryField
from templates_engine.core.fields import NAMESPACES, describe_unknown, find_field, path_field
from templates_engine.core.jinja_filters import EACH, FILTERS, JOINED, WORDS
from templates_engine.core.jinja_guards import (
    Sure,
    is_blank,
    is_constant_key,
    line_start,
    printed_names,
    rename_root,
    sure_if,
    sure_unless,
    tell,
)
from templates_engine.core.jinja_sandbox import LOOP_PARTS
from templates_engine.core.readers import Reader
from templates_engine.core.results import Fault, TemplateInvalid
from templates_engine.core.rules import FieldRule, check_fallback
from templates_engine.core.values import as_number

MAX_DEPTH = 30
MAX_NODES = 600
_TESTS = frozenset({"defined", "undefined", "none", "number", "string", "odd", "even"})
_ARITHMETIC = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod)
_KEEPS_WORDS = {
    "upper",
    "lower",
    "capitalize",
    "title",
    "trim",
    "truncate",
    "replace",
    "round",
    "money",
}


@dataclass(slots=True)
class Slot:
    """One fact the template names. `raw`: read as data for a path, as words for a field."""

    name: str
    reader: Reader
    raw: bool
    line: int


@dataclass(slots=True)
class Checked:
    template: nodes.Template
    slots: list[Slot]
    lacking: list[Fault]


@dataclass(slots=True)
class _Walk:
    rules: dict[str, FieldRule]
    source: str
    slots: dict[str, Slot] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    lacking: list[Fault] = field(default_factory=list)
    count: int = 0
    depth: int = 0


def check_template(
    template: nodes.Template, rules: dict[str, FieldRule], *, source: str
) -> Checked:
    """Check and rewrite. Raises `TemplateInvalid` for what is refused or unknown."""
    walk = _Walk(rules, source)
    checker = _Checker(walk)
    template.body = checker.body(template.body, {}, frozenset())
    if walk.faults:
        raise TemplateInvalid([*walk.faults, *walk.lacking])
    return Checked(template, list(walk.slots.values()), walk.lacking)


class _Checker:
    """`locals` maps a loop or set name to whether it surely holds something."""

    def __init__(self, walk: _Walk) -> None:
        self.walk = walk

    # Statements

    def body(self, body: list[nodes.Node], names: dict[str, bool], sure: Sure) -> list[nodes.Node]:
        return [self.statement(node, names, sure) for node in body]

    def statement(self, node: nodes.Node, names: dict[str, bool], sure: Sure) -> nodes.Node:
        self.enter(node)
        try:
            if isinstance(node, nodes.Output):
                self.output(node, names, sure)
            elif isinstance(node, nodes.If):
                self.condition(node, names, sure)
            elif isinstance(node, nodes.For):
                self.loop(node, names, sure)
            elif isinstance(node, nodes.Assign):
                self.assign(node, names, sure)
            else:
                self.refuse(node, f"{type(node).__name__.lower()} is not available in a text.")
            return node
        finally:
            self.walk.depth -= 1

    def output(self, node: nodes.Output, names: dict[str, bool], sure: Sure) -> None:
        for index, part in enumerate(node.nodes):
            if isinstance(part, nodes.TemplateData):
                continue
            told = tell(part)
            node.nodes[index], guarded = self.expression(part, names, sure)
            if not guarded:
                self.lacks(node.nodes[index], told, part.lineno)

    def condition(self, node: nodes.If, names: dict[str, bool], sure: Sure) -> None:
        node.test, _ = self.expression(node.test, names, sure)
        branches = [dict(names)]
        holds, fails = sure_if(node.test), sure_unless(node.test)
        node.body = self.body(node.body, branches[0], sure | holds)
        for other in node.elif_:
            branches.append(dict(names))
            self.enter(other)
            other.test, _ = self.expression(other.test, branches[-1], sure | fails)
            other.body = self.body(other.body, branches[-1], sure | fails | sure_if(other.test))
            fails |= sure_unless(other.test)
            self.walk.depth -= 1
        branches.append(dict(names))
        node.else_ = self.body(node.else_, branches[-1], sure | fails)
        for name in {name for branch in branches for name in branch}:
            names[name] = all(branch.get(name, False) for branch in branches)

    def loop(self, node: nodes.For, names: dict[str, bool], sure: Sure) -> None:
        if node.recursive or not isinstance(node.target, nodes.Name):
            self.refuse(node, "Loops take one name and do not recurse.")
        items, _ = self.expression(node.iter, names, sure)
        node.iter = _filter(items, EACH, node.lineno)
        inside = dict(names)
        inside["loop"] = True
        node.target = self.target(node.target, inside, guarded=False)
        if node.test is not None:
            node.test, _ = self.expression(node.test, inside, sure)
            sure |= sure_if(node.test)
        node.body = self.body(node.body, inside, sure)
        node.else_ = self.body(node.else_, dict(names), sure)

    def assign(self, node: nodes.Assign, names: dict[str, bool], sure: Sure) -> None:
        if not isinstance(node.target, nodes.Name):
            self.refuse(node, "Set takes one name.")
        node.node, guarded = self.expression(node.node, names, sure)
        node.target = self.target(node.target, names, guarded=guarded)

    def target(self, node: nodes.Expr, names: dict[str, bool], *, guarded: bool) -> nodes.Name:
        assert isinstance(node, nodes.Name)  # noqa: S101 - both callers have just asked
        if node.name == "loop" or node.name in NAMESPACES:
            self.refuse(node, f"{node.name} is taken: choose another name.")
        names[node.name] = guarded
        return nodes.Name(f"v_{node.name}", "store", lineno=node.lineno)

    # Expressions: (rewritten, is something surely read)

    def expression(
        self, node: nodes.Node, names: dict[str, bool], sure: Sure
    ) -> tuple[nodes.Expr, bool]:
        self.enter(node)
        if not isinstance(node, nodes.Expr):
            self.refuse(node, "An expression is expected here.")
        try:
            return self._expression(node, names, sure)
        finally:
            self.walk.depth -= 1

    def _expression(
        self, node: nodes.Expr, names: dict[str, bool], sure: Sure
    ) -> tuple[nodes.Expr, bool]:
        if isinstance(node, nodes.Const):
            if type(node.value) in (int, float) and as_number(node.value) is None:
                self.refuse(node, "A number is too large.")
            return node, node.value is not None and type(node.value) is not bool
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            return self.fact(node, names, sure)
        if isinstance(node, nodes.Filter):
            return self.filter(node, names, sure)
        if isinstance(node, nodes.Test):
            if node.name not in _TESTS or node.args or node.kwargs:
                self.refuse(node, f"The test {node.name!r} is not available in a text.")
            node.node, _ = self.expression(node.node, names, sure)
            return node, False
        if isinstance(node, nodes.Or):
            return self.either(node, names, sure)
        if isinstance(node, nodes.And):
            node.left, left = self.expression(node.left, names, sure)
            node.right, right = self.expression(node.right, names, sure | sure_if(node.left))
            return node, left and right
        if isinstance(node, nodes.Not):
            node.node, _ = self.expression(node.node, names, sure)
            return node, False
        if isinstance(node, nodes.Compare):
            node.expr, _ = self.expression(node.expr, names, sure)
            for operand in node.ops:
                operand.expr, _ = self.expression(operand.expr, names, sure)
            return node, False
        if isinstance(node, nodes.CondExpr):
            return self.choice(node, names, sure)
        if isinstance(node, nodes.Concat):
            parts = [self.expression(part, names, sure) for part in node.nodes]
            listed = nodes.List([part for part, _ in parts], lineno=node.lineno)
            return _filter(listed, JOINED, node.lineno), all(guarded for _, guarded in parts)
        if isinstance(node, _ARITHMETIC):
            node.left, left = self.expression(node.left, names, sure)
            node.right, right = self.expression(node.right, names, sure)
            return node, left and right
        if isinstance(node, (nodes.Neg, nodes.Pos)):
            node.node, guarded = self.expression(node.node, names, sure)
            return node, guarded
        if isinstance(node, (nodes.List, nodes.Tuple)):
            node.items = [self.expression(item, names, sure)[0] for item in node.items]
            return node, False
        if isinstance(node, nodes.Call):
            self.refuse(node, "Calls are not available in a text; use a filter such as |upper.")
        self.refuse(node, f"{type(node).__name__} is not available in a text.")

    def fact(self, node: nodes.Expr, names: dict[str, bool], sure: Sure) -> tuple[nodes.Expr, bool]:
        told = tell(node)
        root, *rest = told.split(".") if told else [""]
        if not root:
            return self.item(node, names, sure)
        if root in names:
            return self.local(node, root, rest, names, sure)
        if rest and root in NAMESPACES:
            found = path_field(told)
            if found is None:
                self.unknown(told, node.lineno)
                return node, True
            return self.slot(told, found, node.lineno, sure, raw=True)
        found = find_field(root) if not rest else None
        if found is None:
            self.unknown(told, node.lineno)
            return node, True
        return self.slot(found.key, found, node.lineno, sure, raw=False)

    def local(
        self, node: nodes.Expr, root: str, rest: list[str], names: dict[str, bool], sure: Sure
    ) -> tuple[nodes.Expr, bool]:
        if root == "loop":
            if len(rest) != 1 or rest[0] not in LOOP_PARTS:
                self.refuse(node, "Of a loop, a text may use index, first, last and length.")
            return node, rest[0] not in ("first", "last")
        rename_root(node, root)
        if not rest:
            return nodes.Name(f"v_{root}", "load", lineno=node.lineno), (
                names[root] or f"v_{root}" in sure
            )
        return node, f"v_{tell(node)}" in sure or tell(node) in sure

    def item(self, node: nodes.Expr, names: dict[str, bool], sure: Sure) -> tuple[nodes.Expr, bool]:
        """`(a or b).name`, `items|first.name`: a key of something worked out."""
        if isinstance(node, nodes.Getitem) and not is_constant_key(node.arg):
            self.refuse(node, "Only fixed keys and positions are available in a text.")
        if isinstance(node, (nodes.Getattr, nodes.Getitem)):
            node.node, _ = self.expression(node.node, names, sure)
        return node, False

    def slot(
        self, told: str, found: RegistryField, line: int, sure: Sure, *, raw: bool
    ) -> tuple[nodes.Expr, bool]:
        slot = self.walk.slots.get(told)
        if slot is None:
            rule = self.walk.rules.get(found.key, FieldRule())
            reader = Reader(found, fallback=rule.fallback, required=rule.required)
            slot = Slot(f"f{len(self.walk.slots)}", reader, raw, line)
            self.walk.slots[told] = slot
            if rule.fallback is not None:
                self.walk.lacking.extend(check_fallback(reader, None))
        reader = slot.reader
        bare = raw and found.is_link and reader.fallback is None and not reader.required
        guarded = slot.name in sure or (reader.guarded and not bare)
        return nodes.Name(slot.name, "load", lineno=line), guarded

    def filter(
        self, node: nodes.Filter, names: dict[str, bool], sure: Sure
    ) -> tuple[nodes.Expr, bool]:
        if node.node is None or node.name not in FILTERS:
            known = ", ".join(sorted(FILTERS))
            self.refuse(node, f"There is no filter {node.name!r}. There are: {known}.")
        if node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) > 3:
            self.refuse(node, f"The filter {node.name!r} takes plain arguments only.")
        node.node, guarded = self.expression(node.node, names, sure)
        args = [self.expression(arg, names, sure) for arg in node.args]
        node.args = [arg for arg, _ in args]
        if node.name in ("default", "d"):
            stands_in = bool(args and args[0][1] and not is_blank(args[0][0]))
            if stands_in:
                node.node = _words_only(node.node)
            return node, guarded or stands_in
        if node.name in ("length", "count"):
            return node, True
        return node, guarded and node.name in _KEEPS_WORDS

    def either(self, node: nodes.Or, names: dict[str, bool], sure: Sure) -> tuple[nodes.Expr, bool]:
        node.left, left = self.expression(node.left, names, sure)
        node.right, right = self.expression(node.right, names, sure)
        if right:
            # A list or a yes is no word: it must not keep the fallback from being read.
            node.left = _words_only(node.left)
        return node, left or (right and not is_blank(node.right))

    def choice(
        self, node: nodes.CondExpr, names: dict[str, bool], sure: Sure
    ) -> tuple[nodes.Expr, bool]:
        node.test, _ = self.expression(node.test, names, sure)
        node.expr1, first = self.expression(node.expr1, names, sure | sure_if(node.test))
        if node.expr2 is None:
            node.expr2 = nodes.Const("", lineno=node.lineno)
            return node, first
        node.expr2, second = self.expression(node.expr2, names, sure | sure_unless(node.test))
        return node, first and second

    # Faults

    def enter(self, node: nodes.Node) -> None:
        self.walk.count += 1
        self.walk.depth += 1
        if self.walk.depth > MAX_DEPTH or self.walk.count > MAX_NODES:
            self.refuse(node, "The template is nested too deeply or too large.")

    def refuse(self, node: nodes.Node, detail: str) -> NoReturn:
        line = node.lineno or 1
        fault = Fault("template_syntax", "body", f"Line {line}: {detail}", self.place(line))
        raise TemplateInvalid([*self.walk.faults, fault, *self.walk.lacking])

    def unknown(self, told: str, line: int) -> None:
        self.walk.faults.append(
            Fault("field_unknown", told, f"Line {line}: {describe_unknown(told)}", self.place(line))
        )

    def lacks(self, node: nodes.Expr, told: str, line: int) -> None:
        """Name each field that may leave this output empty."""
        printed = printed_names(node)
        readers = [slot.reader for slot in self.walk.slots.values() if slot.name in printed]
        for reader in readers:
            hint = reader.field.suggestion or "this item"
            written = told or reader.field.key
            example = f"{{{{ {written} or '{hint}' }}}}"
            self.lack(reader.label, f"{reader.label} has no fallback", example, line)
        if not readers:
            example = f"{{{{ {told or '...'} or 'this item' }}}}"
            label = told or f"line {line}"
            self.lack(label, f"What line {line} prints has no fallback", example, line)

    def lack(self, label: str, what: str, example: str, line: int) -> None:
        detail = f"{what}: say what is read when it is missing, for example {example}."
        self.walk.lacking.append(Fault("fallback_missing", label, detail, self.place(line)))

    def place(self, line: int) -> int:
        return line_start(self.walk.source, line)


def _filter(node: nodes.Expr, name: str, line: int) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=line)


def _words_only(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Or):
        node.left, node.right = _words_only(node.left), _words_only(node.right)
        return node
    return node if isinstance(node, nodes.Const) else _filter(node, WORDS, node.lineno)
