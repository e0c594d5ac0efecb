"""Signing in and out, and what a session is worth."""

from __future__ import annotations

from tests.web.conftest import Stage


def test_everybody_of_the_cast_can_sign_in_and_sees_the_own_name(stage: Stage) -> None:
    for login, name in (("wang.fang", "王芳"), ("li.na", "Li Na"), ("zhao.lei", "Zhao Lei"), ("qian.yu", "Qian Yu")):
        client = stage.client_as(login)
        page = client.get("/account")
        assert page.status_code == 200
        assert name in page.get_data(as_text=True)
