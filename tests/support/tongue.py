"""What a control is called in a language: sentences of the catalogues, and names from the shipped definitions.

A story says every word in English; `Tongue("zh")["Send the application"]` is the Chinese of the portal. A word that
neither a catalogue nor a definition knows is an error: the portal would not show it translated either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from babel.messages.pofile import read_po
from ruamel.yaml import YAML

from config import ROOT

WORKFLOWS = ROOT / "workflows"


class Tongue:
    """The words of one language. `service` settles what a word of several services means."""

    def __init__(self, code: str, service: str = "open_restaurant") -> None:
        self.code, self.service = code, service

    def __getitem__(self, english: str) -> str:
        """The word in this language. Raises KeyError where nothing translates it."""
        if self.code == "en":
            return english
        return terms(self.service).get(english) or sentences()[english]

    def __call__(self, english: str, **facts: object) -> str:
        """A sentence with its facts filled in."""
        return self[english] % facts if facts else self[english]


@cache
def sentences() -> Mapping[str, str]:
    """Every sentence of the portal with its Chinese; of a plural the first form."""
    found: dict[str, str] = {}
    for path in ROOT.glob("translations/*/zh_CN/LC_MESSAGES/messages.po"):
        with path.open("rb") as handle:
            for message in read_po(handle, locale="zh_CN"):
                id, text = message.id, message.string
                if id and text:
                    found[id if isinstance(id, str) else id[0]] = text if isinstance(text, str) else text[0]
    return found


@cache
def terms(service: str) -> Mapping[str, str]:
    """Every {en, zh} text of a service's definition and of the common catalogues."""
    found: dict[str, str] = {}
    reader = YAML(typ="safe")
    bundle = WORKFLOWS / "bundles" / f"{service}.yaml"
    own = [*WORKFLOWS.glob("services/*.yaml"), bundle] if bundle.is_file() else [WORKFLOWS / f"services/{service}.yaml"]
    for path in (*WORKFLOWS.glob("*.yaml"), *own):
        found |= dict(_texts(reader.load(path)))
    return found


def _texts(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(node.get("en"), str) and isinstance(node.get("zh"), str):
            yield node["en"], node["zh"]
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
