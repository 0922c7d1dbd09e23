"""Words for a set of intents: facts, render, prefix and opt-out line, short links, parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from commerce.domain.queries import FactRef
from commerce.domain.queries import facts_for as commerce_facts_for
from delivery.core.facts import GateIntent, TextView
from delivery.core.intents import TEST_TEXT
from delivery.core.policy import STOP_NOTICE, prefix_for, says_stop, suffix_for
from delivery.core.reasons import Reason
from delivery.core.tokens import is_web_address, link_token
from delivery.domain.loading import Loaded
from people.core.kinds import Rules
from people.domain.definitions import attribute_rules
from templates_engine.core import MAX_TEXT, Rendered, compose
from templates_engine.core.segments import measure
from templates_engine.domain.audiences import contact_words
from templates_engine.domain.rendering import RenderRequest, render_set

# The engine's problems in the words of the ledger.
_PROBLEMS = {
    "field_missing": Reason.REQUIRED_MISSING,
    "link_missing": Reason.REQUIRED_MISSING,
    "text_too_long": Reason.TOO_LONG,
    "template_not_approved": Reason.NOT_APPROVED,
}


class Writer:
    """Renders the texts of one set. Handed to the gate, which calls it once."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        now: datetime,
        salts: Mapping[UUID, int] | None = None,
    ) -> None:
        self.tenant = loaded.tenant
        self.contacts = loaded.contacts
        self.notices = loaded.stop_notices
        self.now = now
        self.salts = salts or {}

    def __call__(self, items: Sequence[GateIntent]) -> dict[str, TextView]:
        """A text per dedupe key."""
        texts = {
            item.key: self._finish(item, Rendered(item.intent.body or "", [], [], None), {}, None)
            for item in items
            if item.intent.body is not None
        }
        worded = [item for item in items if item.intent.body is None]
        if not worded:
            return texts
        facts = self._load_facts(worded)
        prefix = prefix_for(self.tenant.sms_name)
        room = MAX_TEXT - len(prefix) - len(STOP_NOTICE) - 2
        shorts: list[dict[str, tuple[str, str]]] = [{} for _ in worded]
        requests = []
        for item, known, held in zip(worded, facts, shorts, strict=True):
            version = item.intent.template_version_id or item.message_id
            requests.append(RenderRequest(version, known, self._linker(item, held), room))
        drafts = all(item.intent.source_kind in {"test", TEST_TEXT} for item in worded)
        for item, rendered, held in zip(
            worded, render_set(requests, drafts=drafts), shorts, strict=True
        ):
            contact_id = item.intent.contact_id
            last = self.notices.get(contact_id) if contact_id is not None else None
            texts[item.key] = self._finish(item, rendered, held, last)
        return texts

    def _finish(
        self,
        item: GateIntent,
        rendered: Rendered,
        shorts: Mapping[str, tuple[str, str]],
        last_notice_at: datetime | None,
    ) -> TextView:
        if rendered.problem:
            problem = _PROBLEMS.get(rendered.problem, Reason.RENDER_FAILED)
            return TextView("", "", 0, problem=problem, detail=rendered.detail)
        for label, (url, _) in shorts.items():
            if not is_web_address(url):
                detail = f"{label} leads to no web address."
                return TextView("", "", 0, problem=Reason.REQUIRED_MISSING, detail=detail)
        body = compose(
            rendered.text,
            prefix=prefix_for(self.tenant.sms_name),
            suffix=""
            if says_stop(rendered.text)
            else suffix_for(item.intent.message_type, last_notice_at, self.now),
        )
        if len(body) > MAX_TEXT:
            return TextView("", "", 0, problem=Reason.TOO_LONG)
        size = measure(body)
        return TextView(
            body=body,
            encoding=size.encoding,
            num_segments=size.num_segments,
            tells_stop=says_stop(body),
            fields=tuple(use._asdict() for use in rendered.fields),
            links=tuple((label, url, token) for label, (url, token) in shorts.items()),
        )

    def _linker(self, item: GateIntent, held: dict[str, tuple[str, str]]) -> Any:
        salt = self.salts.get(item.message_id, 0)

        def link_for(label: str, url: str) -> str:
            # Two links of one label in one text are two links.
            name, number = label, 2
            while name in held and held[name][0] != url:
                name, number = f"{label} {number}", number + 1
            token = link_token(settings.SECRET_KEY.encode(), item.message_id, name, salt)
            held[name] = (url, token)
            return f"{settings.KAIROS_LINK_BASE_URL}/t/{token}"

        return link_for

    def _load_facts(self, items: Sequence[GateIntent]) -> list[dict[str, Any]]:
        rules = attribute_rules()
        refs = [
            FactRef(
                # Nobody known: an id that nobody has finds nothing.
                contact_id=item.intent.contact_id or item.message_id,
                properties=item.intent.context.get("event") or {},
                product_key=item.intent.context.get("product_key"),
                cart_key=item.intent.context.get("cart_key"),
            )
            for item in items
        ]
        brand = {"name": self.tenant.name, "shop_url": self.tenant.shop_url}
        return [
            {
                **bought,
                "event": item.intent.context.get("event") or {},
                **self._contact_facts(item.intent.contact_id, rules),
                "brand": brand,
                "links": item.intent.context.get("links") or {},
            }
            for item, bought in zip(items, commerce_facts_for(refs, now=self.now), strict=True)
        ]

    def _contact_facts(self, contact_id: UUID | None, rules: Rules) -> dict[str, Any]:
        contact = self.contacts.get(contact_id) if contact_id is not None else None
        return contact_words(contact, rules, now=self.now)
