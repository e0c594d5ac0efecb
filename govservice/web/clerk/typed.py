"""What a clerk has typed on the page of a case and not sent yet.

The page is one form: an opinion per step, a note, and buttons that each say where they send it. Whoever takes the task,
keeps the note or reads on in another language therefore sends the words along, and the page that follows shows them
again. Nothing of it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from werkzeug.datastructures import MultiDict

OPINION, NOTE = "opinion-", "text"
OF_A_TOKEN = ("opinion", "token_version")  # inputs that a page with several steps has once for each
LONGEST = 20_000  # characters of one text that are shown again


@dataclass(frozen=True, slots=True)
class Typed:
    """`opinions` by token."""

    opinions: Mapping[int, str] = field(default_factory=dict)
    note: str = ""

    def __bool__(self) -> bool:
        return bool(self.note or self.opinions)

    def without_note(self) -> Typed:
        return replace(self, note="")

    def without_opinion(self, token: int) -> Typed:
        return replace(self, opinions={id: words for id, words in self.opinions.items() if id != token})


NOTHING = Typed()


def typed_in(form: Mapping[str, str]) -> Typed:
    """The texts of a form of that page; blanks are no text."""
    given = {name: words[:LONGEST] for name, words in form.items() if isinstance(words, str) and words.strip()}
    ids = {name: name.removeprefix(OPINION) for name in given if name.startswith(OPINION)}
    opinions = {int(id): given[name] for name, id in ids.items() if id.isascii() and id.isdecimal() and len(id) <= 9}
    return Typed(opinions, given.get(NOTE, ""))


def of_token(form: MultiDict[str, str], token: int) -> MultiDict[str, str]:
    """The form with the inputs of one step under their plain names, as the page of a single action has them."""
    found = MultiDict(form)
    for name in OF_A_TOKEN:
        if name not in found and f"{name}-{token}" in found:
            found[name] = found[f"{name}-{token}"]
    return found
