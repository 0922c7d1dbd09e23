from django.urls import include, path

from delivery.api import consents, contacts, gateway, links, reassigned, visits, webhooks
from delivery.api import messages as messages_api
from delivery.views import messages, opt_out, own_phone, replies, senders, sending
from delivery.views import sign_up as sign_up_page

app_name = "delivery"
urlpatterns = [
    path("api/v1/gateway", gateway.GatewayRead.as_view()),
    path("api/v1/messages", messages_api.MessageList.as_view()),
    path("api/v1/messages/<str:ref>", messages_api.MessageRead.as_view()),
    path("api/v1/clicks", messages_api.ClickList.as_view()),
    path("api/v1/contacts/<str:ref>/eligibility", contacts.Eligibility.as_view()),
    path("api/v1/contacts/<str:ref>/reassigned", reassigned.NumberReassigned.as_view()),
    path("api/v1/consents", consents.ConsentList.as_view()),
    path("api/v1/opt-out-links", consents.OptOutLinkList.as_view()),
    path("t/<str:token>", links.open_link, name="link"),
    path("site/visit", visits.visit, name="site_visit"),
    path("join/<slug:page>", sign_up_page.sign_up, name="sign_up"),
    path("join/<slug:page>/done", sign_up_page.signed_up, name="signed_up"),
    path("stop/<str:sealed>", opt_out.opt_out_page, name="opt_out"),
    path(
        "webhooks/twilio/<uuid:gateway_id>/status/<uuid:attempt_id>",
        webhooks.status_callback,
        name="status_callback",
    ),
    path("webhooks/twilio/<uuid:gateway_id>/status", webhooks.status_by_sid, name="status"),
    path("webhooks/twilio/<uuid:gateway_id>/inbound", webhooks.inbound, name="inbound"),
    path("w/<slug:slug>/settings/sending/", sending.sending, name="sending"),
    path(
        "w/<slug:slug>/settings/sending/connect/", sending.connect_account, name="connect_account"
    ),
    path("w/<slug:slug>/settings/sending/simulator/", sending.use_simulator, name="use_simulator"),
    path(
        "w/<slug:slug>/settings/sending/gateway/<uuid:gateway_id>/",
        include(
            [
                path("key/", sending.change_key, name="change_key"),
                path("check/", sending.check_account, name="check_account"),
                path("use/", sending.take_into_use, name="use_gateway"),
                path("resume/", sending.resume, name="resume_gateway"),
                path("token/", sending.add_token, name="add_token"),
                path("token/retire/", sending.retire_token, name="retire_token"),
                path("sender/", senders.new_sender, name="new_sender"),
            ]
        ),
    ),
    path(
        "w/<slug:slug>/settings/sending/sender/<uuid:sender_id>/",
        include(
            [
                path("pause/", senders.pause, name="pause_sender"),
                path("resume/", senders.resume, name="resume_sender"),
                path("rate/", senders.change_rate, name="sender_rate"),
            ]
        ),
    ),
    path("w/<slug:slug>/settings/test-texts/", own_phone.own_phone, name="test_texts"),
    path("w/<slug:slug>/settings/test-texts/state/", own_phone.test_state, name="test_state"),
    path("w/<slug:slug>/settings/test-texts/phone/", own_phone.change_phone, name="change_phone"),
    path("w/<slug:slug>/settings/test-texts/send/", own_phone.send_test, name="send_test"),
    path("w/<slug:slug>/messages/", messages.message_list, name="messages"),
    path("w/<slug:slug>/replies/", replies.reply_list, name="replies"),
    path("w/<slug:slug>/replies/list/", replies.reply_rows, name="reply_rows"),
    path("w/<slug:slug>/replies/<str:ref>/", replies.conversation, name="conversation"),
    path("w/<slug:slug>/replies/<str:ref>/thread/", replies.thread, name="reply_thread"),
    path("w/<slug:slug>/replies/<str:ref>/check/", replies.check_answer, name="answer_check"),
    path("w/<slug:slug>/replies/<str:ref>/answer/", replies.send_answer, name="answer"),
    path("w/<slug:slug>/replies/<str:ref>/state/", replies.set_state, name="reply_state"),
]
