"""What an operation does not describe it does not take: parameters, fields, values of a choice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction

from api.problems import Problem
from api.views import openapi
from tests.api.calling import Api
from tests.api.fuzzing import SLUGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in openapi()["paths"].items():
        for method, told in methods.items():
            yield method.upper(), path, told


def parameters(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {p["name"]: p["schema"] for p in told.get("parameters", []) if p["in"] == "query"}


def is_list(told: dict[str, Any]) -> bool:
    return "cursor" in parameters(told)


def body_of(told: dict[str, Any]) -> dict[str, Any]:
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = openapi()["components"]["schemas"].get(name, {})
    return found


def fill(path: str, told: dict[str, Any], api: Api) -> str:
    """The path below /api/v1/ with things that are there, or as the description has them."""
    noun = path.split("/")[3]
    values = {
        "ref": api.ids.get(noun, ""),
        "slug": SLUGS.get(noun, ""),
        "campaign": api.ids["campaigns"],
        "hook": api.ids["webhooks"],
        "connector": api.ids["connectors"],
        "body": api.ids["bodies"],
        "job": api.ids["imports"],
        "date": api.ids["watched-dates"],
        "number": "1",
    }
    for each in told.get("parameters", []):
        if each["in"] == "path" and not values.get(each["name"]):
            values[each["name"]] = quote(str(each.get("example", "")))
    return re.sub(r"{(\w+)}", lambda found: values[found[1]], path.removeprefix("/api/v1/"))


def ask(api: Api, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One call, and what it did is undone."""
    with transaction.atomic():
        answer = api.raw(method, path, body)
        transaction.set_rollback(True)
    is_file = answer.streaming
    return answer.status_code, answer.json() if not is_file and answer.content else None


def test_every_operation_refuses_parameters_it_does_not_know(api: Api) -> None:
    lists = 0
    for method, path, told in operations():
        lists += is_list(told)
        known = sorted(parameters(told))
        status, problem = ask(api, method, f"{fill(path, told, api)}?statsu=x&limt=5", {})
        where = f"{method} {path}"
        assert (status, problem["code"]) == (400, "unknown_parameter"), where
        assert [e["field"] for e in problem["errors"]] == ["limt", "statsu"], where
        assert {e["code"] for e in problem["errors"]} == {"unknown_parameter"}, where
        for error in problem["errors"]:
            assert re.findall(r"[a-z_]+(?=[,.])", error["detail"].partition(": ")[2]) == known
        assert "'limt'" in problem["detail"], where
        assert "400" in told["responses"], where
    assert lists > 12


def test_a_misspelled_parameter_changes_nothing(api: Api) -> None:
    before = api.call("GET", "keys?limit=200")[1]
    assert api.call("DELETE", f"keys/{api.ids['keys']}?force=1")[0] == 400
    assert api.call("POST", "keys?dry_run=1", {"name": "X", "scopes": ["flows:read"]})[0] == 400
    assert api.call("GET", "keys?limit=200")[1] == before


def test_every_list_takes_what_it_describes(api: Api) -> None:
    for method, path, told in operations():
        if method != "GET":
            continue
        for name, shape in parameters(told).items():
            value = str(shape.get("enum", ["x"])[0])
            status, problem = ask(api, method, f"{fill(path, told, api)}?{name}={value}")
            assert status in {200, 422}, (path, name, problem)


def test_a_key_is_asked_for_before_the_parameters(api: Api) -> None:
    assert api.call("GET", "messages?statsu=x", key="kairos_nobody")[0] == 401


def test_a_wrong_choice_lists_what_is_allowed(api: Api) -> None:
    seen = set()
    for method, path, told in operations():
        for name, shape in parameters(told).items():
            if "enum" in shape:
                problem = ask(api, method, f"{fill(path, told, api)}?{name}=zzz")[1]
                check_choice(problem, name, shape["enum"])
                seen.add(f"{method} {path} {name}")
        for name, shape in body_of(told).get("properties", {}).items():
            values = choices(shape)
            if not values:
                continue
            wrong: Any = ["zzz"] if shape.get("type") == "array" else "zzz"
            problem = ask(api, method, fill(path, told, api), {name: wrong})[1]
            check_choice(problem, f"{name}[0]" if wrong == ["zzz"] else name, values)
            seen.add(f"{method} {path} {name}")
    assert {"GET /api/v1/messages status", "POST /api/v1/keys scopes"} <= seen
    assert len(seen) > 12


def choices(shape: dict[str, Any]) -> list[str]:
    shape = shape.get("items", shape)
    for part in (shape, *shape.get("allOf", ()), *shape.get("oneOf", ())):
        name = part.get("$ref", "").rpartition("/")[2]
        found = part.get("enum") or openapi()["components"]["schemas"].get(name, {}).get("enum")
        if found:
            return [str(each) for each in found]
    return []


def check_choice(problem: Any, field: str, values: list[str]) -> None:
    [error] = [each for each in problem["errors"] if each["field"] == field]
    assert error["code"] == "invalid_choice", error
    told = re.findall(r"[\w:]+", error["detail"].partition(": ")[2])
    assert sorted(told) == sorted(each for each in values if each), error


def test_every_body_refuses_fields_it_does_not_know(api: Api) -> None:
    seen = 0
    for method, path, told in operations():
        if "application/json" not in told.get("requestBody", {}).get("content", {}):
            continue
        seen += 1
        status, problem = ask(api, method, fill(path, told, api), {"zzz": 1})
        found = {(e["field"], e["code"]) for e in problem["errors"]}
        assert (status, ("zzz", "unknown_field") in found) == (422, True), (method, path, problem)
    assert seen > 10


def test_every_operation_is_told_in_full() -> None:
    """A summary, what it does, what each parameter means, and a body that makes sense."""
    missing = []
    for method, path, told in operations():
        where = f"{method} {path}"
        said = [part for part in told["description"].split("\n\n") if not part.startswith("Needs ")]
        missing += [] if said else [f"{where}: what it does"]
        missing += [] if told.get("summary") else [f"{where}: a summary"]
        missing += [
            f"{where}: {each['name']}"
            for each in told.get("parameters", [])
            if not each.get("description")
        ]
        missing += [
            f"{where}: an example of {each['name']}"
            for each in told.get("parameters", [])
            if each["in"] == "path" and "example" not in each
        ]
        for content in told.get("requestBody", {}).get("content", {}).values():
            missing += [] if content.get("examples") else [f"{where}: an example of its body"]
        missing += [
            f"{where}: {code}"
            for code, answer in told["responses"].items()
            if code >= "400" and "`" not in answer["description"]
        ]
    assert missing == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415, 422, 429, 503])
def test_a_title_is_the_same_on_every_python(status: int) -> None:
    """Python renamed two of them; the page shows one."""
    title = Problem("x", "x", status=status).title
    renamed = {413: "Content Too Large", 422: "Unprocessable Content"}
    assert title == renamed.get(status, HTTPStatus(status).phrase)


def test_the_problems_on_the_page_are_those_that_are_answered(api: Api) -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.S)
    shown = [json.loads(block) for block in blocks if "urn:kairos:problem" in block]
    wrong = {"name": "x", "definition": {"event": "Order Completed", "within": "two weeks"}}
    answered = {
        "invalid": ask(api, "POST", "segments", wrong)[1],
        "unknown_parameter": ask(api, "GET", "messages?statsu=x")[1],
    }
    assert {each["code"] for each in shown} == set(answered)
    for each in shown:
        said = answered[each["code"]]
        assert {**said, "request_id": ""} == {**each, "request_id": ""}
