"""What the payer sees at the sandbox: one page in Chinese and English, without scripts, that says that it is a game."""

from __future__ import annotations

from html import escape

from govservice.money import Money
from govservice.payments.sandbox.orders import Order

_WORDS = {
    "open": ("等待支付", "Waiting for payment"),
    "pending": ("支付处理中", "The payment is under way"),
    "failed": ("支付未成功，可以重试", "The payment did not go through; you may try again"),
    "paid": ("已支付", "Paid"),
    "closed": ("订单已关闭", "This order is closed"),
    "refunding": ("退款处理中", "The refund is under way"),
    "refunded": ("已退款", "Refunded"),
}
_STYLE = (
    "body{font:1.1rem/1.6 sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "h1{font-size:1.5rem}.sum{font-size:2rem;font-weight:700}a{color:#0b4f6c}"
    "button{font:inherit;padding:.6rem 1.2rem;margin:.4rem .4rem 0 0;border:2px solid #0b4f6c;border-radius:4px;"
    "background:#fff;color:#0b4f6c;cursor:pointer}button.main{background:#0b4f6c;color:#fff}"
    ":focus-visible{outline:3px solid #b58900;outline-offset:2px}"
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def pay_page(order: Order) -> bytes:
    """The page of an order. Buttons only while it can be paid."""
    zh, en = _WORDS[order.status]
    buttons = ""
    if order.status in ("open", "pending", "failed"):
        buttons = (
            '<form method="post"><button class="main" name="act" value="pay">支付 / Pay</button>'
            '<button name="act" value="refuse">余额不足 / Let it fail</button></form>'
        )
    back = escape(order.return_url, quote=True)
    text = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>支付沙箱 / Payment sandbox</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>'
        '<h1>支付沙箱 <span lang="en">/ Payment sandbox</span></h1>'
        '<p>演示用，不产生真实扣款。<br><span lang="en">For demonstration only: no money moves.</span></p>'
        f'<p class="sum">{escape(str(Money(order.amount, order.currency)))}</p>'
        f'<p>{zh}<br><span lang="en">{en}</span></p>{buttons}'
        f'<p><a href="{back}">返回政务服务平台 <span lang="en">/ Back to the portal</span></a></p></main></body></html>'
    )
    return text.encode()
