"""What a dynamic field is: what it is called and where its values lie."""

from __future__ import annotations

from dataclasses import dataclass

NAME, TEXT, NUMBER, MONEY, LINK = "name", "text", "number", "money", "link"


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of the registry.

    `label` is written in brackets, `key` in Jinja2, `title` stands on the chip. `suggestion` is
    offered as fallback and never used unasked. `always`: every workspace has a value, so no
    fallback is needed. `positive`: zero and less count as missing.
    """

    key: str
    label: str
    title: str
    kind: str
    paths: tuple[str, ...]
    sample: str
    suggestion: str = ""
    always: bool = False
    positive: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def is_link(self) -> bool:
        return self.kind == LINK
