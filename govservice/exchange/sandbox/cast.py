"""The cast of the demonstration: fixed identities that the synthetic province always holds, whatever its seed.

The demo loader creates the citizens' accounts from `CITIZENS`, so that what they are asked for is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from govservice.exchange.sandbox.records import Birth, Certificate, Enterprise, Person, Premises

_ENTERED = datetime(2026, 9, 18, 6, 30, tzinfo=UTC)


def _person(id: str, name: str, pinyin: str, sex: str, born: date, area: str, address: str, household: str) -> Person:
    return Person(id, name, pinyin, sex, born, "汉族", area, address, household, True, datetime(2025, 3, 4, tzinfo=UTC))


WANG_FANG = _person(
    "990111198803182048",
    "王芳",
    "Wang Fang",
    "F",
    date(1988, 3, 18),
    "huaxi",
    "花溪区清溪路 12 号 3 单元 502 室",
    "HX0000001",
)
CHEN_WEI = _person(
    "990102198506150334",
    "陈伟",
    "Chen Wei",
    "M",
    date(1985, 6, 15),
    "nanming",
    "南明区遵义路 31 号 1 单元 704 室",
    "NM0000001",
)
LIU_YANG = _person(
    "990111199502280415",
    "刘洋",
    "Liu Yang",
    "M",
    date(1995, 2, 28),
    "huaxi",
    "花溪区学士路 8 号 2 单元 301 室",
    "HX0000002",
)
HE_JUN = _person(  # legal representative of the enterprise that Chen Wei acts for; has no account
    "990102197911020512", "何军", "He Jun", "M", date(1979, 11, 2), "nanming", "南明区新华路 105 号 602 室", "NM0000002"
)

HUANG_XIUYING = Person(  # the mother of Liu Yang, in his household
    "990111196604052647", "黄秀英", "Huang Xiuying", "F", date(1966, 4, 5), "汉族", "huaxi",
    "花溪区学士路 8 号 2 单元 301 室", "HX0000002", False, datetime(2025, 3, 4, tzinfo=UTC),
)  # fmt: skip

QINGWEI = Enterprise(
    "91990111MA7K2Q5X12",
    "贵阳花溪清味餐饮有限公司",
    "Guiyang Huaxi Qingwei Catering Co., Ltd.",
    "catering",
    "huaxi",
    "花溪区清溪路 86 号",
    WANG_FANG.id,
    Decimal("50"),
    date(2026, 9, 18),
    _ENTERED,
)
QIANXIANG = Enterprise(
    "91990102MA7H3N8T26",
    "贵阳南明黔香园餐饮有限公司",
    "Guiyang Nanming Qianxiangyuan Catering Co., Ltd.",
    "catering",
    "nanming",
    "南明区中华南路 49 号",
    HE_JUN.id,
    Decimal("120"),
    date(2024, 5, 20),
    _ENTERED,
)

PREMISES = (
    Premises(
        "黔（2024）花溪区不动产权第 0012345 号",
        "花溪区清溪路 86 号一层",
        "huaxi",
        Decimal("326.40"),
        "商业服务",
        QINGWEI.uscc,
        datetime(2024, 7, 2, 3, 0, tzinfo=UTC),
    ),
    Premises(
        "黔（2023）南明区不动产权第 0008812 号",
        "南明区中华南路 49 号二层",
        "nanming",
        Decimal("218.75"),
        "商业服务",
        QIANXIANG.uscc,
        datetime(2023, 4, 11, 3, 0, tzinfo=UTC),
    ),
)


def _year_later(day: date) -> date:
    return day.replace(year=day.year + 1)


def _certificates(employer: str, prefix: str, holders: str) -> tuple[Certificate, ...]:
    """Nine people of an enterprise's staff; one certificate runs out soon."""
    days = [date(2025, 12, 8), date(2026, 3, 12), date(2026, 6, 5), date(2026, 9, 21)]
    return tuple(
        Certificate(f"{prefix}{n:04d}", holder, employer, days[min(n // 2, 3)], _year_later(days[min(n // 2, 3)]))
        for n, holder in enumerate(holders.split())
    )


CERTIFICATES = (
    *_certificates(QINGWEI.uscc, "JK990111", "王芳 李敏 周涛 吴丽 赵勇 何静 罗平 杨雪 田宇"),
    *_certificates(QIANXIANG.uscc, "JK990102", "何军 陈红 马超 石磊 潘玲"),
)
BIRTHS = (
    Birth(
        "CS990111202602200007", WANG_FANG.id, LIU_YANG.id, date(2026, 2, 20), "F", "花溪区人民医院",
        datetime(2026, 2, 21, 1, 0, tzinfo=UTC),
    ),
)  # fmt: skip
# The projects of the cast: name, kind, floor area and height.
PROJECTS = {
    QINGWEI.uscc: ("清味中央厨房", "COMMERCE", 6200, 36),
    QIANXIANG.uscc: ("黔香园美食综合楼", "COMMERCE", 2400, 18),
}
NOT_ON_FILE = {(QINGWEI.uscc, "HP")}  # Wang Fang pledges instead of having registered the environmental impact form
# Income, deposits and vehicles of a household: Liu Yang lost his work, his mother has a small pension.
MEANS = {LIU_YANG.household: ("640.00", "5200.00", 0)}
PEOPLE = (WANG_FANG, CHEN_WEI, LIU_YANG, HE_JUN, HUANG_XIUYING)
ENTERPRISES = (QINGWEI, QIANXIANG)
COUPLE = (WANG_FANG, LIU_YANG)
PARENTS = {LIU_YANG.id: (HUANG_XIUYING.id,)}  # by child, where the birth was registered


@dataclass(frozen=True, slots=True)
class Citizen:
    """A demo account: who it is, for whom the person may act and by which right."""

    login: str
    person: Person
    organisation: Enterprise | None = None
    mandate: Literal["legal_representative", "agent"] | None = None


CITIZENS = (
    Citizen("wang.fang", WANG_FANG, QINGWEI, "legal_representative"),
    Citizen("chen.wei", CHEN_WEI, QIANXIANG, "agent"),
    Citizen("liu.yang", LIU_YANG),
    Citizen("huang.xiuying", HUANG_XIUYING),
)
