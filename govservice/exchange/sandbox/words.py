"""What the synthetic province is spelled with: characters with their pinyin, streets, trades. Data only."""

from __future__ import annotations

from collections.abc import Mapping

Syllables = tuple[tuple[str, str], ...]  # (characters, pinyin)


def _pairs(text: str) -> Syllables:
    words = text.split()
    return tuple(zip(words[::2], words[1::2], strict=True))


SURNAMES = _pairs(
    "王 Wang 李 Li 张 Zhang 刘 Liu 陈 Chen 杨 Yang 赵 Zhao 黄 Huang 周 Zhou 吴 Wu 徐 Xu 孙 Sun 胡 Hu 朱 Zhu 高 Gao "
    "林 Lin 何 He 郭 Guo 马 Ma 罗 Luo 梁 Liang 宋 Song 郑 Zheng 谢 Xie 韩 Han 唐 Tang 冯 Feng 于 Yu 董 Dong 萧 Xiao "
    "程 Cheng 曹 Cao 袁 Yuan 邓 Deng 许 Xu 傅 Fu 沈 Shen 曾 Zeng 彭 Peng 吕 Lyu 苏 Su 卢 Lu 蒋 Jiang 蔡 Cai 贾 Jia "
    "丁 Ding 魏 Wei 薛 Xue 叶 Ye 阎 Yan 余 Yu 潘 Pan 杜 Du 戴 Dai 夏 Xia 钟 Zhong 汪 Wang 田 Tian 任 Ren 姜 Jiang "
    "范 Fan 方 Fang 石 Shi 姚 Yao 谭 Tan 廖 Liao 邹 Zou 熊 Xiong 金 Jin 陆 Lu 郝 Hao 孔 Kong 白 Bai 崔 Cui 康 Kang "
    "毛 Mao 邱 Qiu 秦 Qin 江 Jiang 史 Shi 顾 Gu 侯 Hou 邵 Shao 孟 Meng 龙 Long 万 Wan 段 Duan "
    "欧阳 Ouyang 上官 Shangguan"
)
GIVEN_WOMEN = _pairs(
    "芳 fang 敏 min 静 jing 丽 li 娟 juan 艳 yan 玲 ling 燕 yan 雪 xue 梅 mei 兰 lan 霞 xia 红 hong 玉 yu 秀 xiu "
    "英 ying 华 hua 慧 hui 婷 ting 琳 lin 佳 jia 欣 xin 怡 yi 雯 wen 倩 qian 颖 ying 洁 jie 莉 li 萍 ping 云 yun "
    "月 yue 彩 cai 春 chun 菊 ju 凤 feng 桂 gui 瑶 yao 诗 shi 涵 han 梓 zi 语 yu 若 ruo 晨 chen 思 si 梦 meng 巧 qiao"
)
GIVEN_MEN = _pairs(
    "伟 wei 强 qiang 磊 lei 洋 yang 勇 yong 军 jun 杰 jie 涛 tao 超 chao 明 ming 刚 gang 平 ping 辉 hui 鹏 peng "
    "飞 fei 波 bo 斌 bin 宇 yu 浩 hao 凯 kai 健 jian 俊 jun 帆 fan 帅 shuai 旭 xu 宁 ning 龙 long 林 lin 阳 yang "
    "峰 feng 国 guo 建 jian 志 zhi 文 wen 海 hai 东 dong 宏 hong 振 zhen 晓 xiao 家 jia 子 zi 天 tian 博 bo 泽 ze "
    "浩 hao 睿 rui 轩 xuan"
)
TRADE_NAMES = _pairs(
    "清 Qing 味 wei 和 He 禾 he 德 De 福 fu 瑞 Rui 丰 feng 鑫 Xin 源 yuan 百 Bai 川 chuan 知 Zhi 悦 yue 山 Shan 月 yue "
    "黔 Qian 香 xiang 聚 Ju 园 yuan 鼎 Ding 盛 sheng 老 Lao 街 jie 青 Qing 岩 yan 云 Yun 里 li 小 Xiao 满 man "
    "金 Jin 谷 gu 万 Wan 顺 shun 恒 Heng 通 tong 锦 Jin 程 cheng 宏 Hong 达 da 安 An 居 ju 星 Xing 河 he "
    "海 Hai 棠 tang 乐 Le 家 jia"
)
# industry code -> (zh, en), most common first
TRADES: tuple[tuple[str, str, str], ...] = (
    ("catering", "餐饮", "Catering"),
    ("catering", "食府", "Restaurant"),
    ("food_retail", "食品", "Foods"),
    ("retail", "商贸", "Trading"),
    ("technology", "科技", "Technology"),
    ("services", "家政服务", "Household Services"),
    ("construction", "建筑工程", "Construction"),
    ("logistics", "物流", "Logistics"),
)
# area code of the portal -> (zh, en, the region code nobody has, streets)
DISTRICTS: Mapping[str, tuple[str, str, str, tuple[tuple[str, str], ...]]] = {
    "huaxi": (
        "花溪", "Huaxi", "990111",
        (("清溪路", "Qingxi Road"), ("花溪大道", "Huaxi Avenue"), ("明珠大道", "Mingzhu Avenue"),
         ("民主路", "Minzhu Road"),
         ("将军路", "Jiangjun Road"), ("珠江路", "Zhujiang Road"), ("学士路", "Xueshi Road"),
         ("青岩北街", "Qingyan North Street")),
    ),
    "nanming": (
        "南明", "Nanming", "990102",
        (("中华南路", "Zhonghua South Road"), ("遵义路", "Zunyi Road"), ("新华路", "Xinhua Road"),
         ("沙冲路", "Shachong Road"),
         ("甲秀北路", "Jiaxiu North Road"), ("宝山南路", "Baoshan South Road"), ("花果园大街", "Huaguoyuan Street"),
         ("市南路", "Shinan Road")),
    ),
}  # fmt: skip
USES = ("商业服务", "商业服务", "商业服务", "办公", "商住混合")
NATIONS = ("汉族",) * 14 + ("苗族", "布依族", "侗族", "土家族", "彝族", "仡佬族")
