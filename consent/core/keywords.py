"""Whole-message keywords by language, in the form `normalize` gives them.

STOP works in every language. The lists for English and French are the carriers' and Twilio's
own; the others are the words people use and want a native reader's eye.
"""

from __future__ import annotations

from consent.core.normalizing import normalize


def _words(*texts: str) -> frozenset[str]:
    return frozenset(normalize(word) for text in texts for word in text.split(","))


OPT_OUT = _words(
    "stop,stopall,stop all,unsubscribe,unsub,cancel,end,quit,revoke,optout,opt out,remove",
    "arret,arrett,arrete,arretez,desabonner,desabonnement,desinscription,desinscrire",
    "baja,alto,parar,pare,paren,cancelar,no mas,basta,borrenme,borrame,detener,eliminar",
    "sair,parem,descadastrar,remover",
    "stopp,abmelden,abbestellen,aufhoren,austragen",
    "annulla,cancellami,cancella,disiscrivimi,disiscriviti,fermare",
    "afmelden,uitschrijven,stoppen",
    "avbryt,avregistrera,afmeld,avmeld,avsluta,lopeta,peruuta",
    "wypisz,rezygnuje,iptal,ret,dur,td",
    "退订,退訂,停止,取消,请不要再发了,不要再发,別再傳了,拒收",
    "配信停止,解除,中止,やめて,停止して",
    "수신거부,거부,중지,그만",
    "стоп,отписаться,отписка,отпишите,хватит,отмена,відписатися",
    "إيقاف,ايقاف,توقف,الغاء,إلغاء,قف",
    "הסר,הסרה,הסירו,הפסק",
    "ยกเลิก,หยุด",
    "रोकें,बंद करो,बंद करें,रुको",
    "berhenti,unreg,batal",
    "huy,dung,huỷ,hủy,dừng,tu choi,từ chối",
)
OPT_IN = _words(
    "start,unstop,start me,unstop me,subscribe,subscribe me,resubscribe,re subscribe,join,optin,opt in,opt me in,sign me up"
)
# They undo a STOP; from a number that never subscribed they only ask for a confirmation.
TAKES_STOP_BACK = _words("start,unstop,start me,unstop me")
# Alone they confirm a double opt-in that is waiting, and nothing else.
CONFIRMATIONS = _words("yes,y,si,oui,ja,sim")
HELP = _words("help,info,ayuda,aide,hilfe,aiuto,ajuda,hulp,information,help me")
# They only repeat STOP with fingers that slipped. No edit distance: SHOP, STEP and TOP are words.
TYPOS = _words(
    "stoop,stip,sotp,tsop,stpo,stol,srop,atop,dtop,sttop,stopo,stopit",
    "unsuscribe,unsubcribe,unsubscibe,unsubscrive,unsubscrib,unsuscribe me,unsubsribe,unsbscribe",
    "cancle,canel,qiut,optoit,opt our",
)
# Words that change nothing beside a keyword.
FILLERS = _words(
    "please,pls,plz,plse,thanks,thank,you,thx,ty,now,immediately,ok,okay,kindly,sir,hi,hello,hey",
    "por,favor,gracias,svp,sil,te,vous,plait,merci,bitte,danke,grazie,per,favore,graag,aub,tak",
    "tack,prosze,just,yeah,right,away",
)
# May open a short message and still mean what they say alone.
OPENERS = _words("stop,stopall,unsubscribe,unsub,optout,revoke,stopp,arret")

RESERVED = OPT_OUT | OPT_IN | CONFIRMATIONS | HELP | TYPOS


def is_reserved(word: str) -> bool:
    """Whether a flow may not use this word as its own keyword or menu choice."""
    return normalize(word) in RESERVED
