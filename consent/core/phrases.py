"""Sentences that mean "stop", that only look like it, or that a person should read.

All patterns read text in the form `normalize` gives: lower case, no punctuation, "dont".
"""

from __future__ import annotations

import re

_TEXTS = r"(?:texts?|texting|txts?|txting|messages?|messaging|messages|msgs?|sms|mms|promos?|promotions?|notifications?|spam|spams|ads?|alerts?|marketing)"
_THESE = r"(?:the|these|this|those|your|ur|any|all|more|such|further|anymore|me|us|with|all of)"
_NOT = r"(?:dont|do not|doesnt|never|not to|no)"
_ME = r"(?:me|us|my (?:phone|number|cell|mobile|name)|this (?:number|phone|line)|my)"

# What follows "stop" when it is us who should stop.
_TO_US = r"(?:me|us|my number|this number|text|txt|send|messag|msg|sms|spam|contact|harass|bother)"

# Masked before anything else is read: here the dangerous word means something harmless.
HARMLESS = re.compile(
    "|".join(
        (
            rf"\b(?:dont|do not|never|wont|non|please dont|cant|cannot|couldnt) (?:ever )?stop\b(?! {_THESE} {_TEXTS})(?! (?:getting|receiving))(?: (?:sending|texting|messaging))?",
            r"\b(?:dont|do not|never|please dont) (?:unsubscribe|cancel|remove|delete|opt)\b(?: me)?(?: out| off)?",
            r"\b(?:bus|truck|rest|pit|full|one|next|last|first|train|tram|metro|tube|the|a|my|short|f) stop\b(?! (?:texting|sending|messaging))",
            r"\bnonstop\b",
            r"\bstop(?:s|ped|ping)? (?:by|at(?! once)|in|over|off|near|into|and (?:get|see|buy|pick))\b",
            r"\bstopped (?:working|loading|charging|responding)\b",
            r"\bstop (?:my|the|this|that|an?) (?:order|delivery|shipment|package|payment|parcel|auto ?ship|subscription box)\b",
            rf"\b(?:cancel|end|stop|quit|remove)\b(?:(?! {_TO_US}) \w+){{0,4}} (?:order|orders|appointment|booking|reservation|item|items|cart|hat|trial|return|exchange|smoking|sale|month|week|delivery|shipment|job)\b",
            r"\b(?:sale|offer|deal|promo|month|week|year|weekend|the|back|front|low|high|an|at|no|to|will|does|it|they|in the|by the) end\b",
            r"\bend of\b",
            r"\bwrong number of\b",
        )
    )
)

OPT_OUT: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "stop_sending",
            rf"\b(?:stop|quit|cease|halt|end) (?:{_THESE} )*(?:sending|send|texting|text|txting|messaging|messages?|msgs?|msging|texts?|txts?|sms|spam|spamming|harassing|bothering|contacting|contact|promos?|promotions?|notifications?|communications?|marketing|calls?|calling me|blowing up)\b",
        ),
        (
            "asked_to_stop",
            r"^(?:(?:i|ive|i have) (?:said|told (?:you|u))(?: to)?|you (?:need|have) to|please|can you(?: please)?) stop(?: now| please| it| this)?$"
            r"|\bhow (?:do|can) i (?:stop|end) (?:this|these|it|them)$",
        ),
        (
            "do_not_text",
            rf"\b{_NOT} (?:ever |you )?(?:text|txt|message|msg|sms|contact|spam|bother) (?:{_ME}|here|again|anymore)\b",
        ),
        (
            "do_not_send",
            rf"\b(?:dont|do not|never) (?:ever )?send (?:(?:me|us|this number) )?(?:{_THESE} )*{_TEXTS}\b",
        ),
        (
            "do_not_want",
            rf"\b(?:dont|do not|no longer|never|didnt) (?:want|wish|wanna|need|care)(?: to)?(?: (?:receive|get|be getting|be receiving|hear|see|have|be sent|be on))* (?:{_THESE} )*(?:{_TEXTS}|(?:these|those|this)(?: anymore| any more| any longer)|from (?:you|u|this)|your list|this list)\b",
        ),
        (
            "changed_mind",
            r"\b(?:want|like|need|ask|asked) to be (?:removed|taken off|unsubscribed)\b",
        ),
        ("no_more", rf"\bno (?:more|further) (?:of )?(?:{_THESE} )*{_TEXTS}\b"),
        (
            "off_the_list",
            rf"\b(?:take|remove|delete|drop|scrub|erase) {_ME}(?: \w+){{0,3}} (?:off|from|out of)\b"
            r"|\bwant (?:off|out of) (?:this|your|the) list\b"
            rf"|\bget {_ME} (?:off|out of) (?:this|your|the|ur) (?:\w+ )?(?:list|text|sms)",
        ),
        (
            "remove_me",
            r"\b(?:(?:remove|delete|erase) me|(?:remove|delete|erase|lose|forget) my (?:phone |cell |mobile )?(?:number|info|data))\b",
        ),
        ("leave_alone", r"\bleave me alone\b$|^leave me alone\b"),
        (
            "revoke",
            r"\b(?:revoke|revoking|withdraw|withdrawing|rescind) (?:my |all |any )*(?:consent|permission|authorization)\b",
        ),
        ("opt_out", r"\bopt(?:ing|ed)? (?:me |us )?out\b|\bopt ?out\b"),
        ("unsubscribe", r"\bun ?s?ub?s?c?ri?be?\w{0,3}\b|\bunsub(?:s?cri\w*)?\b"),
        ("do_not_call", r"\bdo not (?:call|contact|text) list\b"),
        ("blocking", r"\b(?:im |am |i am )?block(?:ing|ed) (?:you|u|this number|your number)\b"),
        (
            "reporting",
            r"\breport(?:ing|ed)? (?:this|you|u|it|the)\b(?: \w+){0,3} (?:spam|ftc|fcc|junk)\b",
        ),
        ("rude", r"^(?:\w+ )?(?:fuck|f|piss|bugger|sod) off(?: \w+)?$"),
        # French, Spanish, Portuguese, German, Italian, Dutch, Russian, Chinese
        (
            "fr",
            r"\barretez? (?:de |d|les |vos |tout)|\b(?:ne )?(?:m ?envoyez|menvoyez|m ?envoie|envoyez) plus\b|\bplus de (?:sms|messages?|textos?|pubs?)\b|\bdes(?:abonner|inscrire|inscri\w+|abonne\w*)\b",
        ),
        (
            "es",
            r"\bno me (?:envien|manden|escriban|envie|mande|contacten)\b|\bdejen? de (?:mandar|enviar|escribir|molestar)\w*|\bno quiero (?:recibir )?(?:mas )?(?:mensajes|sms|textos)|\bno quiero recibir\b|\bdar(?:me)? de baja\b|\bno mas (?:mensajes|sms|textos)\b",
        ),
        (
            "pt",
            r"\bnao (?:quero|desejo) (?:mais )?receber\b|\bpar(?:e|em) de (?:enviar|mandar)\b|\bnao (?:me )?(?:mandem|enviem|envie|mande)\b",
        ),
        (
            "de",
            r"\bkeine? (?:sms|nachrichten|werbung|mails?)(?: mehr)?\b|\bhoren sie auf\b|\bhor auf\b|\bnicht mehr (?:schreiben|senden|schicken)\b",
        ),
        (
            "it",
            r"\bnon (?:voglio|desidero) (?:piu )?ricevere\b|\bnon (?:mandatemi|inviatemi|scrivetemi)\b",
        ),
        (
            "nl",
            r"\bgeen (?:berichten|sms|reclame)(?:jes)? meer\b|\bniet meer (?:sturen|ontvangen)\b",
        ),
        ("ru", r"\bне (?:пишите|присылайте|шлите|отправляйте|звоните)\b|\bотпис\w+"),  # noqa: RUF001 - Russian letters are meant
        ("zh", r"不要再(?:发|發|给|傳|传)|别再发|退订|退訂"),
        ("ja", r"配信(?:を)?停止|送らないで"),
        ("ko", r"수신 ?거부|보내지 ?마"),
    )
)

WRONG_NUMBER = re.compile(
    r"\bwrong (?:number|person|phone|contact)\b|\bnot (?:the right|my) number\b"
    r"|\b(?:numero equivocado|mauvais numero|falsche nummer|numero sbagliato)\b"
)

# A word that hints at "stop" without saying it: somebody should look before the next text.
REVIEW: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "not_interested",
            r"\bnot interested\b|^no thank(?:s| you| u)?\b|^no gracias$|^non merci$",
        ),
        ("who_is_this", r"^(?:sorry )?who (?:is|are|r) (?:this|you|u)\b|\bwhos this\b|^who dis$"),
        (
            "my_number",
            r"\bhow did (?:you|u|ya) (?:guys )?get (?:my|this) (?:number|info|phone)\b|\bwhere did (?:you|u) get my number\b",
        ),
        (
            "scam",
            r"\bis this (?:a )?(?:spam|scam|real|legit)\b|\bthis is (?:a )?(?:spam|scam)\b|^(?:spam|scam)$",
        ),
        (
            "legal",
            r"\b(?:my|a|an) (?:lawyer|attorney)\b|\b(?:sue|suing) (?:you|u)\b|\blegal action\b|\btcpa\b|\bharass(?:ment|ing)\b",
        ),
        ("stop_inside", r"\bstop\b"),
        (
            "cancel_inside",
            r"\bcancel\b(?: (?:my|the|this|all|me|it|everything|subscription|account|membership|please|now))|^(?:\w+ ){0,2}cancel$",
        ),
        ("quit_inside", r"^(?:i |please |just )?quit (?:it|this|now)\b"),
        ("remove_inside", r"^(?:please )?remove (?:this|it|from)\b"),
        (
            "enough",
            r"^(?:no more|enough|block|blocked|blocking)$|\benough (?:texts|messages|already)\b|\bkeep texting me\b",
        ),
        (
            "never_signed_up",
            r"\b(?:never|didnt|did not) (?:sign|signed|subscribe|subscribed|ask)(?: up)?(?: for| to)?\b",
        ),
        ("too_many", rf"\btoo many (?:{_TEXTS})\b|\bhow do i (?:stop|end|cancel)\b"),
    )
)
