"""What people of the demonstration write: answers, reasons, remarks. Nothing of it is about anybody who lives."""

from __future__ import annotations

SIGNS = (
    "清味轩", "山城小馆", "老街牛肉粉", "花溪人家", "黔香园", "青岩豆腐坊", "阳明食府", "甲秀小厨", "十里河滩餐厅",
    "苗家酸汤鱼", "丝娃娃", "肠旺面馆", "溪畔茶餐厅", "南明小筑", "河滨咖啡", "文昌面馆",
)  # fmt: skip
SHOPS = ("花果优选小程序", "黔味到家", "邻里送网店", "溪畔好物")
MANAGERS = ("李敏", "周涛", "吴丽", "赵勇", "何静", "罗平", "杨雪", "田宇", "石磊", "潘玲")
FOODS = (("hot",), ("hot", "cold"), ("hot", "drinks"), ("hot", "cold", "drinks"), ("pastry", "drinks"))
ITEMS = {
    "sales": (("loose",), ("loose", "half_done"), ("drinks",)),
    "service": (("hot",), ("hot", "cold"), ("drinks",), ("hot", "drinks")),
    "canteen": (("hot",), ("hot", "cold")),
}
FILE_NAMES = {
    "layout": "平面布局图.pdf",
    "rules": "食品安全管理制度.pdf",
    "photos": "经营场所照片.pdf",
    "title_deed": "租赁合同.pdf",
    "health_certificates": "从业人员健康证明.pdf",
    "site_report": "现场核查表.pdf",
    "inspection_record": "现场核查记录.pdf",
    "visit_report": "入户调查表.pdf",
    "urgent_record": "先行救助核实记录.pdf",
    "statement_record": "陈述申辩笔录.pdf",
    "drawings": "建设工程设计图纸.pdf",
    "structural_review": "施工图审查合格书.pdf",
    "fire_design": "消防设计文件.pdf",
    "environment_form": "环境影响登记表.pdf",
    "energy_form": "节能登记表.pdf",
    "owner_authorisation": "建设单位授权委托书.pdf",
    "tenancy": "住房情况说明.pdf",
    "medical_bills": "医疗费用票据.pdf",
}

# What a department asks to be corrected: what is named, and what it says is wrong with it.
CORRECTIONS: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("open_restaurant", "acceptance"): (
        ("rules", "缺少进货查验记录制度，请补充后重新上传。"),
        ("layout", "平面布局图不清晰，请上传标明尺寸的图纸。"),
    ),
    ("open_restaurant", "review.food.desk"): (
        ("layout", "布局图未标明清洗消毒区域，请补充。"),
        ("rules", "请补充从业人员健康管理制度。"),
    ),
    ("open_restaurant", "review.fire.site"): (
        ("layout", "布局图未标明安全出口和灭火器位置，请补充。"),
        ("layout", "厨房与用餐区之间缺少防火分隔，请按要求修改布局图。"),
    ),
    ("open_restaurant", "review.sign.desk"): (("signage.text", "招牌文字与营业执照名称不符，请核对。"),),
    ("food_business_licence", "acceptance"): (
        ("layout", "布局图未标明进货、加工、出餐流程，请补充。"),
        ("layout", "布局图未标明食品处理区面积，请补充。"),
    ),
    ("food_business_licence", "review.site.check"): (
        ("photos", "操作间与卫生间未分隔，请整改后重新上传照片。"),
        ("photos", "缺少防蝇防鼠设施，请整改后重新上传照片。"),
    ),
}
COMPARED = "与申请人提交的证明材料原件核对一致。"
CORRECTION_REASON = "申请材料需要补正，请按下列内容修改后重新提交。"
REFUSALS = {
    "acceptance": "申请事项不属于本机关职权范围。",
    "review.food.site": "现场核查发现加工场所不具备与经营项目相适应的条件。",
    "review.fire.site": "疏散通道和安全出口不符合消防技术标准。",
    "review.sign.desk": "店招设置影响建筑消防登高面，不同意设置。",
    "review.papers.desk": "经营项目与场所条件不相适应，建议不予许可。",
    "review.site.check": "现场核查不合格，不具备保证食品安全的条件。",
    "refusal": "经审查，不符合食品经营许可条件，决定不予许可。",
    "decision": "经审查，不符合法定条件，决定不予许可。",
}
OPINIONS = ("材料齐全，符合要求。", "已核对，无异议。", "现场情况与申报一致。", "符合条件。")
WITHDRAWALS = ("经营计划有变，申请撤回。", "更换经营场所，另行申请。", "暂不开业。")
COMMENTS = {
    5: ("办得很快，不用跑腿。", "窗口人员很耐心。", "材料都不用再交，很方便。"),
    4: ("总体满意，现场检查等得久了一点。", "流程清楚。"),
    3: ("补正通知可以写得更清楚一些。",),
    2: ("等待时间太长。",),
    1: ("消防检查拖了很久。",),
}
