"""The platform's own answers (HELP, opt-in, opt-out), through the same gate and ledger as every
text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from consent.domain.sign_up import promised_frequency
from delivery.core import answers
from delivery.core.intents import Decision, SendIntent
from delivery.domain.deciding import decide
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id
from tenancy.waking import wake


class Answer(StrEnum):
    HELP = "help"
    STOPPED = "stopped"
    CONFIRM = "confirm"
    WELCOME = "welcome"
    TESTS = "tests"


def send_answer(
    answer: Answer,
    *,
    key: str,
    contact_id: UUID | None,
    phone: str,
    in_reply_to: UUID | None,
    now: datetime,
) -> Decision:
    """Decides one compliance text in the caller's transaction. A repeated `key` sends nothing."""
    tenant = Tenant.objects.get(id=current_tenant_id())
    brand = tenant.sms_name or tenant.name
    frequency = promised_frequency() if answer in {Answer.CONFIRM, Answer.WELCOME} else ""
    words = {
        Answer.HELP: answers.help_text(brand, own=tenant.help_text, shop_url=tenant.shop_url),
        Answer.STOPPED: answers.stopped_text(brand),
        Answer.CONFIRM: answers.confirm_text(brand, frequency=frequency),
        Answer.WELCOME: answers.welcome_text(brand, frequency=frequency),
        Answer.TESTS: answers.tests_text(brand),
    }
    decided = decide(
        [
            SendIntent(
                dedupe_key=f"answer:{answer}:{key}",
                contact_id=contact_id,
                template_version_id=None,
                message_type="compliance",
                source_kind="system",
                step_key=f"answer_{answer}",
                priority=100,
                in_reply_to=in_reply_to,
                body=words[answer],
                phone=phone,
            )
        ],
        now=now,
    )
    wake("triggers.work", tenant_id=str(current_tenant_id()))
    return decided[0]
