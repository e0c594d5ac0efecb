"""Show the style pages without the rest of the portal: no database, no sign-in, no registries.

    python scripts/preview_style.py [PORT]

Then open http://127.0.0.1:5999/_style. Templates and stylesheets are re-read when they change.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from flask import Flask, request

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from govservice.web.forms_ui import init_forms  # noqa: E402
from govservice.web.i18n import init_i18n  # noqa: E402
from govservice.web.shell import ActingFor, NavItem, Shell, init_shell  # noqa: E402
from govservice.web.static import init_static  # noqa: E402
from govservice.web.style import init_style  # noqa: E402

AREA = {"en": "Huaxi District Government", "zh": "花溪区政务服务"}
NAMES = {"en": "Wang Fang", "zh": "王芳"}
PARTY = {"en": "Guiyang Huaxi Qingwei Catering Co., Ltd.", "zh": "贵阳花溪清味餐饮有限公司"}
RIGHT = {"en": "you are its legal representative", "zh": "您是法定代表人"}
STAFF = {
    "worklist": ({"en": "Zhang Qiang", "zh": "张强"}, {"en": "Food examiner, Huaxi", "zh": "食品审查员，花溪区"}),
    "clerk-case": ({"en": "He Tao", "zh": "何涛"}, {"en": "Deputy director, Huaxi", "zh": "分管局长，花溪区"}),
    "supervisor": ({"en": "Zhao Lei", "zh": "赵磊"}, {"en": "Supervisor, Huaxi", "zh": "效能监督员，花溪区"}),
}
NAVS = {
    "citizen": [
        NavItem({"en": "Services", "zh": "办事"}, "#a", "services"),
        NavItem({"en": "My cases", "zh": "我的办件"}, "#b", "cases"),
        NavItem({"en": "My data", "zh": "我的数据"}, "#c", "data"),
        NavItem({"en": "Verify a licence", "zh": "证照核验"}, "#d", "verify"),
    ],
    "clerk": [
        NavItem({"en": "Worklist", "zh": "待办列表"}, "#a", "worklist"),
        NavItem({"en": "Search cases", "zh": "查办件"}, "#b", "search"),
        NavItem({"en": "Notices", "zh": "通知"}, "#c", "notices"),
        NavItem({"en": "Help", "zh": "帮助"}, "#d", "help"),
    ],
    "supervisor": [
        NavItem({"en": "Overview", "zh": "总览"}, "#a", "overview"),
        NavItem({"en": "Late and at risk", "zh": "逾期和预警"}, "#b", "late"),
        NavItem({"en": "Workload", "zh": "工作量"}, "#c", "workload"),
        NavItem({"en": "Steps", "zh": "环节"}, "#d", "steps"),
        NavItem({"en": "Services", "zh": "事项"}, "#e", "services"),
        NavItem({"en": "Data access", "zh": "数据使用"}, "#f", "access"),
    ],
}


def shell() -> Shell:
    from govservice.web.i18n import text

    page = request.path.rpartition("/")[2]
    if page in STAFF:
        name, role = STAFF[page]
        desk = {"en": "Supervisor's desk", "zh": "监督工作台"}
        if page != "supervisor":
            desk = {"en": "Clerk's desk", "zh": "经办工作台"}
        return Shell(desk=desk, user_name=text(name), user_role=role, sign_out_href="/sign-out", demo=True)
    acting = ActingFor(text(PARTY), RIGHT, "/acting") if page in ("check", "question", "case") else None
    return Shell(AREA, user_name=text(NAMES), sign_out_href="/sign-out", demo=True, acting_for=acting)


def make_app() -> Flask:
    """The frame and the style pages, nothing else."""
    app = Flask("preview", template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.update(SECRET_KEY=secrets.token_hex(16), WTF_CSRF_ENABLED=False, TEMPLATES_AUTO_RELOAD=True)
    init_static(app, ROOT / "static", reload=True)
    init_i18n(app, ROOT / "translations")
    init_forms(app)
    init_shell(app, shell)
    init_style(app)

    def context() -> dict[str, object]:
        links = [
            ({"en": "Help", "zh": "办事指南"}, "#help"),
            ({"en": "Accessibility statement", "zh": "无障碍说明"}, "#a11y"),
            ({"en": "Privacy and data use", "zh": "隐私与数据使用"}, "#privacy"),
            ({"en": "Complaints: call 12345", "zh": "投诉与建议 12345"}, "#complaints"),
        ]
        return {"nav": lambda desk, _registers=False: NAVS.get(desk, []), "footer_links": lambda: links}

    app.context_processor(context)

    @app.after_request
    def policy(response):  # type: ignore[no-untyped-def]
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
            "form-action 'self'; base-uri 'none'"
        )
        return response

    return app


def main() -> None:
    make_app().run("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 5999)


if __name__ == "__main__":
    main()
