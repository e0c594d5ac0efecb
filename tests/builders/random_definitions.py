"""Random definitions, sound by construction: blocks put together from parts that each lead on or to an end; and
mutations of them, one change each, that may or may not be sound."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

Node = dict[str, Any]
ROLES = {
    "window": "service_hall", "food": "market_reg", "fire": "fire_rescue", "urban": "urban_mgmt", "head": "market_reg",
}  # fmt: skip
FIELDS: Node = {
    "shop.seats": {"type": "integer", "required": True, "min": 0, "max": 100},
    "shop.kind": {"type": "choice", "options": {"hot": None, "cold": None, "raw": None}},
    "shop.open": {"type": "yes_no"},
    "shop.goods": {"type": "choices", "options": {"tea": None, "cake": None}},
}
GUARDS = (
    "shop.seats > 50", "shop.seats <= 50", "shop.seats > 20 and shop.kind == 'raw'", "shop.kind in ['hot', 'cold']",
    "shop.open", "not shop.open", "size(shop.goods) > 1", "has(shop.kind)", "'tea' in shop.goods", "shop.seats == 7",
)  # fmt: skip


def text(word: str) -> Node:
    return {"en": word.capitalize(), "zh": f"{word}。"}


def as_text(data: Node) -> str:
    """JSON is YAML; one key a line, so that findings have lines."""
    return json.dumps(data, indent=1, ensure_ascii=False)


class Maker:
    """Puts one definition together; `draw` decides."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.count = draw, 0
        self.steps: Node = {}
        self.corrects = False

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def flip(self) -> bool:
        return bool(self.draw(st.booleans()))

    def name(self, word: str) -> str:
        self.count += 1
        return f"{word}{self.count}"

    def action(self, word: str, **more: Any) -> Node:
        return {"label": text(word), **more}

    # -- a way through the main token

    def definition(self) -> Node:
        names = [self.name("part") for _ in range(self.draw(st.integers(1, 4)))]
        self.steps["draft"] = {
            "title": text("draft"),
            "kind": "applicant",
            "actions": {"submit": self.action("submit", to=names[0], marks="received")},
        }
        for here, after in zip(names, [*names[1:], "done"], strict=True):
            self.pick(self.human, self.human, self.auto, self.parallel, self.parallel, self.fork, self.applicant)(
                here, after
            )
        self.steps |= {
            "done": {"kind": "end", "outcome": "granted"}, "refused": {"kind": "end", "outcome": "refused"},
            "withdrawn": {"kind": "end", "outcome": "withdrawn"},
        }  # fmt: skip
        fields = {name: {**copy.deepcopy(node), "label": text("field")} for name, node in FIELDS.items()}
        for node in fields.values():
            if "options" in node:
                node["options"] = {option: text(option) for option in node["options"]}
        data: Node = {
            "service": "random", "title": text("random"), "department": "market_reg",
            "output": {"document": "restaurant_licence"},
            "form": [{"page": "one", "title": text("one"), "fields": fields}],
            "roles": {code: {"department": kind, "title": text(code)} for code, kind in ROLES.items()},
            "start": "draft",
            "always": {"withdraw": self.action("withdraw", to="withdrawn", by="applicant", unless=["draft"])},
            "steps": self.steps,
        }  # fmt: skip
        if '"refused"' not in json.dumps([step for name, step in self.steps.items() if name != "refused"]):
            del self.steps["refused"]
        if self.corrects:
            data["correction"] = {"within": "30wd", "lapse_to": "withdrawn"}
        return data

    def human(self, here: str, after: str) -> None:
        actions = {"go": self.action("go", to=after)}
        if self.flip():
            actions["refuse"] = self.action("refuse", to="refused", reason=True)
        if self.flip() and len(self.steps) > 1:
            back = self.pick(*[n for n, s in self.steps.items() if s["kind"] in ("human", "parallel")] or ["refused"])
            actions["back"] = self.action("back", to=back, reason=True)
        if self.pick(True, False, False):
            actions["correct"] = self.action("correct", correction=True, reason=True)
            self.corrects = True
        if self.flip():
            actions["other"] = self.action("other", to=self.alternatives([after, "refused"]), reason=True)
        if self.flip():
            actions["special"] = self.action("special", to=after, guard=self.pick(*GUARDS), two_people=self.flip())
        self.steps[here] = {"title": text(here), "kind": "human", "owner": self.pick(*ROLES), "actions": actions}
        if self.flip():
            self.steps[here]["limit"] = "2wd"
            self.steps[here]["timers"] = [
                {"at": "80%limit", "do": "warn"},
                {"at": "100%limit", "do": self.pick("go", "warn")},
            ]

    def alternatives(self, targets: list[str]) -> list[Node]:
        return [*({"guard": self.pick(*GUARDS), "to": to} for to in targets[:-1]), {"to": targets[-1]}]

    def auto(self, here: str, after: str) -> None:
        desk = self.name("desk")
        self.human(desk, here)
        self.steps[desk]["actions"]["refuse"] = self.action("refuse", to="refused", reason=True)
        self.steps[here] = {
            "title": text(here), "kind": "auto", "do": {"call": "document.issue"},
            "answers": {"ok": {"to": after}, "fail": {"to": desk}},
        }  # fmt: skip

    def fork(self, here: str, after: str) -> None:
        """Two ways by a condition that meet again."""
        one, other = self.name("one"), self.name("other")
        self.human(one, after)
        self.human(other, after)
        self.steps[here] = {
            "title": text(here), "kind": "human", "owner": self.pick(*ROLES),
            "actions": {"split": self.action("split", to=self.alternatives([one, other]))},
        }  # fmt: skip

    def applicant(self, here: str, after: str) -> None:
        self.steps[here] = {
            "title": text(here), "kind": "applicant", "actions": {"agree": self.action("agree", to=after)},
            "timers": [{"at": "30d", "do": "lapse", "to": "withdrawn"}],
        }  # fmt: skip

    # -- branches

    def parallel(self, here: str, after: str) -> None:
        branches: Node = {}
        asks = self.pick(True, False, False)
        for _ in range(self.draw(st.integers(2, 3))):
            name = self.name("branch")
            branches[name] = self.branch(asks)
        self.steps[here] = {
            "title": text(here), "kind": "parallel", "owner": self.pick(*ROLES), "limit": "20wd", "branches": branches,
            "join": self.rules(len(branches), after),
        }  # fmt: skip
        if asks:
            self.steps[here]["correction"] = {
                "notice": self.pick("once", "each"), "collect_within": "3wd", "within": "30wd", "lapse_to": "withdrawn",
                **({"recheck": "reads_changed"} if self.flip() else {}),
            }  # fmt: skip

    def branch(self, asks: bool) -> Node:
        names = [self.name("s") for _ in range(self.draw(st.integers(1, 2)))]
        steps: Node = {}
        for here, after in zip(names, [*names[1:], None], strict=True):
            on = {"to": after} if after else {"end": "approved"}
            actions = {"pass": self.action("pass", **on, two_people=self.pick(True, False, False))}
            if self.flip() or after is None:
                actions["fail"] = self.action("fail", end="rejected", reason=True)
            if len(steps) and self.flip():
                actions["back"] = self.action("back", to=self.pick(*steps), reason=True)
            if asks and self.flip():
                actions["ask"] = self.action("ask", correction=True, reason=True)
            steps[here] = {"title": text(here), "kind": "human", "actions": actions}
        branch: Node = {"title": text("branch"), "owner": self.pick(*ROLES), "start": names[0], "steps": steps}
        if self.flip():
            branch["reads"] = ["shop"]
        if self.flip():
            branch["when"] = self.pick(*GUARDS)
        return branch

    def rules(self, count: int, after: str) -> list[Node]:
        """Rules that cover every combination: of approved, rejected and perhaps not needed."""
        refused = {"if": "any(rejected)", "to": "refused", "siblings": self.pick("cancel", "wait")}
        if self.flip():
            return [refused, {"to": after}]
        if self.flip():
            enough = {"if": f"atleast({self.draw(st.integers(1, count))}, approved)", "to": after}
            return [enough, {"to": "refused"}]
        return [{"if": "any(rejected) and any(approved)", "to": "refused"}, refused, {"to": after}]


@st.composite
def sound_definitions(draw: Any) -> Node:
    """A definition without error. Warnings are possible: a rule may be shadowed, a branch outcome unused."""
    return Maker(draw).definition()


# -- mutations


def _scopes(data: Node) -> list[tuple[Node, Node | None]]:
    """The steps of every scope, with the branch they belong to."""
    found: list[tuple[Node, Node | None]] = [(data["steps"], None)]
    for step in data["steps"].values():
        found += [(branch["steps"], branch) for branch in step.get("branches", {}).values()]
    return found


@st.composite
def mutated(draw: Any) -> tuple[Node, str]:
    """A definition with one change, and what it was."""
    data = copy.deepcopy(draw(sound_definitions()))
    steps, branch = draw(st.sampled_from(_scopes(data)))
    working = [n for n, s in steps.items() if s.get("kind") != "end"]
    here = draw(st.sampled_from(working))
    step = steps[here]
    ways: Node = step.get("actions") or step.get("answers") or {}
    kind = draw(st.sampled_from(["drop", "redirect", "rule", "guard", "outcome", "when"]))
    if kind == "drop" and len(ways) > 1 and "answers" not in step:
        name = draw(st.sampled_from(sorted(ways)))
        del ways[name]
        step["timers"] = [t for t in step.get("timers", []) if t["do"] != name]
        return data, f"{here}: without {name}"
    if kind == "redirect" and ways:
        name = draw(st.sampled_from(sorted(ways)))
        targets = [n for n in steps if n != "draft"]
        for key in ("to", "end", "correction"):
            ways[name].pop(key, None)
        ways[name]["to"] = draw(st.sampled_from(targets))
        if "answers" not in step:
            ways[name]["reason"] = True
        return data, f"{here}.{name} leads to {ways[name]['to']}"
    if kind == "rule" and step.get("join"):
        rules = step["join"]
        del rules[draw(st.integers(0, len(rules) - 1))]
        if not rules:
            rules.append({"if": "all(approved)", "to": "refused"})
        return data, f"{here}: a rule of the join less"
    if kind == "guard" and ways and "answers" not in step:
        guard = draw(st.sampled_from(GUARDS))
        for way in ways.values():
            way["guard"] = guard
        return data, f"{here}: every action only if {guard}"
    if kind == "outcome" and branch is not None:
        for way in ways.values():
            if "end" in way:
                way["end"] = "unheard"
        return data, f"{here}: ends with an outcome of its own"
    if kind == "when" and branch is not None:
        branch["when"] = draw(st.sampled_from(GUARDS))
        return data, f"a branch only if {branch['when']}"
    return data, "nothing"
