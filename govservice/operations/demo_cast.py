"""The people of the demonstration: areas and departments, the cast with its public password, further staff.

Run again it changes nothing that is there. Every account it makes is marked, and outside demo mode the portal does not
start while one exists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.errors import N_, NotAllowed
from govservice.exchange.sandbox import cast as sandbox
from govservice.models.accounts import User
from govservice.models.people import Mandate
from govservice.operations.accounts import add_user, assign_role, known_roles
from govservice.operations.mandates import add_organisation, grant_mandate
from govservice.operations.passwords import hash_password
from govservice.operations.people import Identity, add_person, find_person
from govservice.operations.publishing import sync_places
from govservice.operations.runtime import Runtime

PASSWORD = "guiyang-demo"  # noqa: S105 - public on purpose, for accounts that production refuses
PER_ROLE = 3  # members of staff for each role of each area: two inspect, and an examiner may not be one of them
PER_PORTAL_ROLE = 2  # supervisors, designers
GOVERNMENT = "government"  # the department that supervises, and where the designers sit
PROVINCE, SHARING = "guizhou", "data_sharing_request"
HEAD = Identity("罗岚", "cn_id", "990111197904121039")  # of a bureau, for which she asks for shared data
BUREAU = ("11520111009999001H", "花溪区民政局", "huaxi")  # unified social credit code, name, area
MANDATES_FROM = date(2025, 1, 1)


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff of the cast. `roles`: (role, kind of department) in `area`."""

    login: str
    en: str
    zh: str
    area: str
    roles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SignIn:
    """A line of the sign-in page's list: who, and what the person is for."""

    login: str
    name: dict[str, str]
    what: dict[str, str]


CAST = (
    Staff("li.na", "Li Na", "李娜", "huaxi", (("window", "service_hall"), ("collector", "service_hall"))),
    Staff("zhang.qiang", "Zhang Qiang", "张强", "huaxi", (("food", "market_reg"),)),
    Staff("wu.gang", "Wu Gang", "吴刚", "huaxi", (("food", "market_reg"), ("inspector", "market_reg"))),
    Staff("zhou.jie", "Zhou Jie", "周杰", "huaxi", (("fire", "fire_rescue"),)),
    Staff("sun.min", "Sun Min", "孙敏", "huaxi", (("urban", "urban_mgmt"),)),
    Staff("he.tao", "He Tao", "何涛", "huaxi", (("head", "market_reg"),)),
    Staff("fang.rui", "Fang Rui", "方瑞", "huaxi", (("government_office", GOVERNMENT),)),
    Staff("zhao.lei", "Zhao Lei", "赵磊", "huaxi", (("supervisor", GOVERNMENT),)),
    Staff("qian.yu", "Qian Yu", "钱宇", "huaxi", (("designer", GOVERNMENT),)),
    Staff("ma.jun", "Ma Jun", "马军", "nanming", (("food", "market_reg"),)),
    Staff(
        "gu.wen",
        "Gu Wen",
        "顾文",
        "guizhou",
        (("steward", "public_security"), ("holder_public_security", "public_security")),
    ),
    Staff("an.ning", "An Ning", "安宁", "guizhou", (("sharing_desk", "data_bureau"),)),
)
SIGN_INS = tuple(
    SignIn(login, {"en": en, "zh": zh}, {"en": what_en, "zh": what_zh})
    for login, en, zh, what_en, what_zh in (
        ("wang.fang", "Wang Fang", "王芳", "citizen, owns an enterprise", "个人，企业法定代表人"),
        ("chen.wei", "Chen Wei", "陈伟", "citizen, agent with a mandate", "个人，企业委托代理人"),
        ("liu.yang", "Liu Yang", "刘洋", "citizen", "个人"),
        ("huang.xiuying", "Huang Xiuying", "黄秀英", "citizen, mother of Liu Yang", "个人，刘洋的母亲"),
        ("li.na", "Li Na", "李娜", "window clerk, Huaxi", "综合窗口，花溪区"),
        ("zhang.qiang", "Zhang Qiang", "张强", "food examiner, Huaxi", "食品监管，花溪区"),
        ("wu.gang", "Wu Gang", "吴刚", "food examiner and inspector, Huaxi", "食品监管、现场核查，花溪区"),
        ("zhou.jie", "Zhou Jie", "周杰", "fire inspector, Huaxi", "消防监督，花溪区"),
        ("sun.min", "Sun Min", "孙敏", "signage officer, Huaxi", "店招审批，花溪区"),
        ("he.tao", "He Tao", "何涛", "deputy director, Huaxi", "分管局长，花溪区"),
        (
            "fang.rui",
            "Fang Rui",
            "方瑞",
            "government office, may extend limits, Huaxi",
            "政府办公室，可批准延长时限，花溪区",
        ),
        ("zhao.lei", "Zhao Lei", "赵磊", "supervisor, Huaxi", "效能监督员，花溪区"),
        ("qian.yu", "Qian Yu", "钱宇", "designer of services", "事项管理员"),
        ("ma.jun", "Ma Jun", "马军", "food examiner, Nanming", "食品监管，南明区"),
        ("luo.lan", "Luo Lan", "罗岚", "head of a bureau, asks for shared data", "区民政局负责人，可申请数据共享"),
        ("an.ning", "An Ning", "安宁", "data sharing desk, Guizhou", "数据共享管理，贵州省大数据局"),
        ("gu.wen", "Gu Wen", "顾文", "answers for the Population Register, Guizhou", "人口库数据管理员，贵州省公安厅"),
    )
)

# Names of further staff: family name and given name, in pinyin and characters.
FAMILIES = (
    ("Huang", "黄"), ("Lin", "林"), ("Guo", "郭"), ("Luo", "罗"), ("Liang", "梁"), ("Song", "宋"), ("Tang", "唐"),
    ("Xu", "许"), ("Deng", "邓"), ("Feng", "冯"), ("Cao", "曹"), ("Peng", "彭"), ("Zeng", "曾"), ("Xiao", "肖"),
    ("Tian", "田"), ("Dong", "董"), ("Pan", "潘"), ("Yuan", "袁"), ("Cai", "蔡"), ("Jiang", "蒋"), ("Yu", "余"),
    ("Ye", "叶"), ("Cheng", "程"),
)  # fmt: skip
GIVEN = (
    ("Ling", "玲"), ("Bo", "波"), ("Hui", "慧"), ("Yong", "勇"), ("Xue", "雪"), ("Peng", "鹏"), ("Yan", "燕"),
    ("Bin", "斌"), ("Jing", "静"), ("Hao", "浩"), ("Mei", "梅"),
)  # fmt: skip


def load_cast(rt: Runtime, *, now: datetime) -> int:
    """Makes what is missing of places, cast, further staff, citizens, enterprises and mandates. Returns how many
    accounts were made. Raises NotAllowed outside demo mode."""
    if not rt.settings.demo:
        raise NotAllowed(N_("The demonstration's accounts exist in demo mode only."))
    with rt.write() as session:
        sync_places(session, rt.definitions.catalogue)
        session.flush()
        before = set(session.scalars(select(User.login)))
        hashed = hash_password(PASSWORD)  # one hash for all: the password is public anyway
        for member in (*CAST, *further_staff(rt)):
            _add_staff(rt, session, member, hashed, before, now)
        for citizen in sandbox.CITIZENS:
            _add_citizen(rt, session, citizen, hashed, before, now)
        _add_head(rt, session, hashed, before, now)
        session.flush()
        return len(set(session.scalars(select(User.login))) - before)


def further_staff(rt: Runtime) -> Iterator[Staff]:
    """One person a role, until every role of every area that serves people is held often enough, the cast counted."""
    held = Counter((member.area, role) for member in CAST for role, _ in member.roles)
    names = _names()
    catalogue = rt.definitions.catalogue
    roles = {role: sorted(kinds) for role, kinds in known_roles(rt).items() if not of_the_province(role)}
    for area in (entry.code for entry in catalogue.areas.values() if entry.serves):
        for role, kinds in sorted(roles.items()):
            kind = next((k for k in kinds or (GOVERNMENT,) if f"{area}.{k}" in catalogue.departments), None)
            wanted = PER_ROLE if kinds else PER_PORTAL_ROLE
            for _ in range(wanted - held[(area, role)] if kind else 0):
                login, en, zh = next(names)
                yield Staff(login, en, zh, area, ((role, str(kind)),))
    shared = rt.definitions.draft(SHARING).service.roles if SHARING in rt.definitions.drafts() else {}
    for role, spec in shared.items():
        if not held[(PROVINCE, role)]:
            yield Staff(*next(names), PROVINCE, ((role, spec.department),))


def of_the_province(role: str) -> bool:
    """Roles of which there is not one in each area."""
    return role in ("admin", "steward", "sharing_desk") or role.startswith("holder_")


def _names() -> Iterator[tuple[str, str, str]]:
    """Names in a fixed order, the two lists of different length walked side by side: 253 before one comes again."""
    for n in range(len(FAMILIES) * len(GIVEN)):
        (family, family_zh), (given, given_zh) = FAMILIES[n % len(FAMILIES)], GIVEN[n % len(GIVEN)]
        yield f"{family}.{given}".lower(), f"{family} {given}", f"{family_zh}{given_zh}"


def _add_staff(rt: Runtime, session: Session, member: Staff, hashed: str, known: set[str], now: datetime) -> None:
    if member.login in known:
        user = session.scalars(select(User).where(User.login == member.login)).one()
    else:
        name = {"en": member.en, "zh": member.zh}
        user = add_user(session, member.login, hashed, kind="staff", name=name, demo=True, now=now)
    roles = known_roles(rt)
    for role, kind in member.roles:
        department = f"{member.area}.{kind}"
        if role in roles and department in rt.definitions.catalogue.departments:
            assign_role(rt, session, user.id, role, department)


def _add_head(rt: Runtime, session: Session, hashed: str, known: set[str], now: datetime) -> None:
    """A department files as an organisation does: by whoever holds its mandate."""
    person = find_person(session, rt.keyring, HEAD.id_type, HEAD.number)
    if person is not None:
        return
    person = add_person(session, rt.keyring, HEAD, area=BUREAU[2], now=now)
    bureau = add_organisation(session, BUREAU[0], BUREAU[1], area=BUREAU[2], now=now)
    session.flush()
    if "luo.lan" not in known:
        add_user(session, "luo.lan", hashed, kind="citizen", person_id=person.id, demo=True, now=now)
    grant_mandate(
        session, person.id, bureau.id, kind="legal_representative", source="demo", valid_from=MANDATES_FROM, now=now
    )  # fmt: skip


def _add_citizen(
    rt: Runtime, session: Session, citizen: sandbox.Citizen, hashed: str, known: set[str], now: datetime
) -> None:
    who = citizen.person
    person = find_person(session, rt.keyring, "cn_id", who.id)
    if person is None:
        person = add_person(session, rt.keyring, Identity(who.name, "cn_id", who.id), area=who.area, now=now)
        session.flush()
    if citizen.login not in known:
        add_user(session, citizen.login, hashed, kind="citizen", person_id=person.id, demo=True, now=now)
    if citizen.organisation is None or citizen.mandate is None:
        return
    enterprise = citizen.organisation
    organisation = add_organisation(session, enterprise.uscc, enterprise.name, area=enterprise.area, now=now)
    held = select(Mandate).where(Mandate.person_id == person.id, Mandate.organisation_id == organisation.id)
    if session.scalar(held) is None:
        grant_mandate(
            session, person.id, organisation.id,
            kind=citizen.mandate, source="demo", valid_from=MANDATES_FROM, now=now,
        )  # fmt: skip
