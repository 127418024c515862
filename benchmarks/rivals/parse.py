"""Parses slips with a package of PyPI: a text a line on standard input, a line of JSON for each.

Usage: python parse.py PACKAGE, in an environment with the package: cpca or jionlp
"""

import json
import sys


def with_cpca(text: str) -> dict[str, str]:
    """Split an address; cpca knows neither names nor telephones."""
    import cpca

    row = cpca.transform([text]).iloc[0]
    parts = [row[column] or "" for column in ("省", "市", "区", "地址")]
    return dict(zip(("province", "city", "district", "street"), parts, strict=True))


def with_jionlp(text: str) -> dict[str, str]:
    """Find a telephone and split the rest as an address; jionlp finds no names."""
    import jionlp

    phones = jionlp.extract_phone_number(text)
    for phone in phones:
        text = text.replace(phone, "")
    found = jionlp.parse_location(text)
    parts = {"province": "province", "city": "city", "district": "county", "street": "detail"}
    return {"phone": phones[0] if phones else "", **{key: found[name] or "" for key, name in parts.items()}}


parse = {"cpca": with_cpca, "jionlp": with_jionlp}[sys.argv[1]]
for line in sys.stdin.read().splitlines():
    print(json.dumps(parse(line), ensure_ascii=False), flush=True)
