"""Messages that show pictures: what is sent, what the key depends on, what they are guessed to cost."""

import base64

import pytest
from chat_server import ScriptedServer

from biobench.chat import Endpoint, Message, Picture, Request, Schema, ask_all, request_key
from biobench.chat.tokens import prompt_middle, prompt_most
from biobench.chat.wire import body
from biobench.problems import ProblemsFound

HERE = Endpoint("http://localhost:8000/v1", "m", "k")
RED, BLUE = (Picture(b"\xff\xd8\xff" + colour, 448, 252) for colour in (b"red", b"blue"))


def asked(*pictures, text="What is it?"):
    return Request((Message("system", "Look."), Message("user", text, pictures)))


def test_pictures_are_sent_as_data_urls_before_the_text():
    with ScriptedServer() as server:
        ask_all(Endpoint(server.base_url, "m"), [asked(RED, BLUE)])
    system, user = server.bodies[0]["messages"]
    assert system == {"role": "system", "content": "Look."}
    *pictures, text = user["content"]
    assert text == {"type": "text", "text": "What is it?"}
    assert [part["type"] for part in pictures] == ["image_url"] * 2
    urls = [part["image_url"]["url"].partition(",") for part in pictures]
    assert {start for start, _, _ in urls} == {"data:image/jpeg;base64"}
    assert [base64.b64decode(code) for _, _, code in urls] == [RED.jpeg, BLUE.jpeg]


def test_every_picture_and_its_place_is_in_the_key():
    requests = [asked(), asked(RED), asked(BLUE), asked(RED, BLUE), asked(BLUE, RED), asked(RED, RED)]
    assert len({request_key(HERE, request, "text") for request in requests}) == len(requests)
    assert request_key(HERE, asked(RED), "text") == request_key(HERE, asked(RED), "text")


def test_a_schema_is_said_in_the_system_message_as_without_pictures():
    request = Request(asked(RED).messages, schema=Schema("s", {"type": "object"}))
    system, user = body(HERE, request, "plain")["messages"]
    assert system["content"].startswith("Look.\n\n")
    assert "JSON schema" in system["content"]
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]


def test_pictures_cost_by_their_pixels():
    assert prompt_middle(asked(RED)) - prompt_middle(asked()) == 16 * 9 + 4
    assert prompt_most(asked(RED, BLUE)) - prompt_most(asked()) == 2 * (32 * 18 + 4)


@pytest.mark.parametrize(
    "make",
    [lambda: Message("system", "x", (RED,)), lambda: Picture(b"GIF89a", 1, 1), lambda: Picture(RED.jpeg, 0, 1)],
)
def test_what_can_not_be_shown_is_refused(make):
    with pytest.raises(ProblemsFound):
        make()


def test_a_repr_counts_them_and_shows_none():
    assert repr(asked(RED).messages[1]) == "Message(user, 11 characters, 1 pictures)"
    assert "red" not in repr(RED)
