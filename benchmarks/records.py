"""Quality and cost of `xrecord`: telephones, people in one text, whole slips, and seconds.

Usage: python benchmarks/records.py telephones
       python benchmarks/records.py groups
       python benchmarks/records.py slips PIPELINE DATA/waybill, trained by benchmarks/waybill.py
       python benchmarks/records.py cost PIPELINE DATA/waybill
       python benchmarks/records.py rivals DATA/waybill --npm FOLDER --cpca PYTHON --jionlp PYTHON
"""

import json
import random
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import phonenumbers
import spacy
import srsly
import typer
from common import clock, read_corpus
from faker import Faker
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from results import spread, write_results
from spacy.language import Language
from spacy.tokens import Doc

import spacy_xner
from spacy_xner.records.values import Record, values_of

# Locales of Faker, whose names end in a country; Saudi Arabia has those of all Arabic.
LOCALES = (
    "zh_CN zh_TW ja_JP ko_KR th_TH vi_VN id_ID en_IN en_AU en_NZ en_US en_CA en_GB en_IE de_DE de_AT de_CH "
    "fr_FR nl_NL es_ES es_MX pt_PT pt_BR it_IT pl_PL tr_TR ru_RU uk_UA el_GR"
)
COUNTRIES = {locale[-2:]: locale for locale in LOCALES.split()} | {"SA": "ar_AA"}
REGIONS = {locale: country for country, locale in COUNTRIES.items()}
KINDS = [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE]
STYLES = {
    "E.164": PhoneNumberFormat.E164,
    "international": PhoneNumberFormat.INTERNATIONAL,
    "national, region set": PhoneNumberFormat.NATIONAL,
}
VERDICTS = ("equal", "without a value", "other")
LABELS = {"N": "PER", "P": "PHONE", "A": "ADDRESS", "C": "COURIER"}
COURIERS = ["DHL", "FedEx", "UPS", "EMS", "DPD", "顺丰", "GLS"]
ROLES = {"s": "sender", "r": "recipient", "-": None}
SLOT = re.compile(r"\{(\d+)(\w)\}")
# What separates two people, besides titles.
BREAKS = re.compile(r"[\n,;.，；。、/|-]+\s*")
WAYBILL = {"P": "name", "T": "phone", "A1": "province", "A2": "city", "A3": "district", "A4": "street"}
RIVALS = Path(__file__).with_name("rivals")
NPM = ("address-parse", "zh-address-parse", "address-smart-parse")
PARTS = ("province", "city", "district", "street")
REPEATS = 10
# Pieces of text, each with the label of the entity that it is.
Pieces = list[tuple[str, str | None]]

app = typer.Typer(add_completion=False)


def make_nlp(**settings: Any) -> Language:
    """Make a pipeline with an `xrecord` alone."""
    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}})
    nlp.add_pipe("xrecord", config=settings)
    return nlp


def make_doc(nlp: Language, pieces: Pieces) -> Doc:
    """Make a doc of pieces of text."""
    doc = nlp.make_doc("".join(text for text, _ in pieces))
    spans, end = [], 0
    for text, label in pieces:
        start, end = end, end + len(text)
        if label is not None:
            spans.append(doc.char_span(start, end, label, alignment_mode="expand"))
    doc.set_ents(spans)
    return doc


def draw_number(country: str, rng: random.Random) -> Any:
    """Draw a valid number: an example of phonenumbers with other digits at its end."""
    examples = [phonenumbers.example_number_for_type(country, kind) for kind in KINDS]
    example = rng.choice([number for number in examples if number is not None])
    digits = phonenumbers.national_significant_number(example)
    while True:
        tail = rng.randint(1, len(digits) - 2)
        drawn = digits[:-tail] + "".join(rng.choices("0123456789", k=tail))
        number = phonenumbers.parse(f"+{example.country_code}{drawn}")
        if phonenumbers.is_valid_number(number) and phonenumbers.region_code_for_number(number) == country:
            return number


def percent(counts: Counter[bool]) -> dict[str, float]:
    """Return the number of cases, and the percentage of right ones."""
    return {"drawn": counts.total(), "% right": 100 * counts[True] / counts.total()}


@app.command()
def telephones(n: Annotated[int, typer.Option(help="Numbers to draw.")] = 5000, seed: int = 0) -> None:
    """Compare E.164 to phonenumbers' own, for valid numbers of thirty countries."""
    rng = random.Random(seed)
    Faker.seed(seed)
    fakers = {country: Faker(locale) for country, locale in COUNTRIES.items()}
    pipes = {country: make_nlp(region=country) for country in COUNTRIES}
    unset = make_nlp()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for i in range(n):
        country = [*COUNTRIES][i % len(COUNTRIES)]
        number = draw_number(country, rng)
        expected = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for style, code in STYLES.items():
            text = phonenumbers.format_number(number, code)
            counts[style][judge(read_phone(pipes[country], [(text, "PHONE")]), expected)] += 1
        address = fakers[country].address().replace("\n", ", ")
        found = read_phone(unset, [(text, "PHONE"), (" ", None), (address, "ADDRESS")])
        counts["national, region by an address of Faker"][judge(found, expected)] += 1
    rows = {
        style: {"drawn": each.total(), **{f"% {name}": 100 * each[name] / each.total() for name in VERDICTS}}
        for style, each in counts.items()
    }
    write_results(rows, "telephones")


def judge(found: str | None, expected: str) -> str:
    """Say whether a value is right."""
    return "without a value" if found is None else "equal" if found == expected else "other"


def read_phone(nlp: Language, pieces: Pieces) -> str | None:
    """Return the value of the telephone of a text."""
    ((phone,),) = [values_of(record, "phone") for record in nlp(make_doc(nlp, pieces))._.records]
    return phone["value"]


@app.command()
def groups(n: Annotated[int, typer.Option(help="Texts to draw.")] = 500, seed: int = 0) -> None:
    """Group texts with two people, of which the entities are known."""
    rng = random.Random(seed)
    Faker.seed(seed)
    nlp = make_nlp()
    texts = srsly.read_yaml(Path(__file__).with_name("record_texts.yml"))
    templates = [(locale, *each) for locale, listed in texts.items() for each in listed]
    fakers = {locale: Faker(locale) for locale in texts}
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for i in range(n):
        locale, template, roles = templates[i % len(templates)]
        pieces, expected = fill(template, roles, fakers[locale], REGIONS[locale], rng)
        flat = [(text if label else BREAKS.sub(" ", text), label) for text, label in pieces]
        for row, each in (("all", pieces), ("all, only spaces between", flat)):
            records = [simplify(record) for record in nlp(make_doc(nlp, each))._.records]
            is_right = records == expected
            counts[row][is_right] += 1
            if not is_right:
                print("".join(text for text, _ in each), records, expected, sep="\n", end="\n\n")
            if each is pieces:
                counts[locale][is_right] += 1
    write_results({row: percent(each) for row, each in counts.items()}, "groups")


def fill(
    template: str, roles: str, fake: Faker, country: str, rng: random.Random
) -> tuple[Pieces, list[tuple[str | None, set[str]]]]:
    """Fill a template; returns its pieces, and the role and entities of each record."""
    expected: list[tuple[str | None, set[str]]] = [(ROLES[role], set()) for role in roles]
    pieces: Pieces = []
    end = 0
    for slot in SLOT.finditer(template):
        pieces.append((template[end : slot.start()], None))
        end = slot.end()
        number = phonenumbers.format_number(draw_number(country, rng), rng.choice([*STYLES.values()]))
        text = {
            "N": lambda: f"{fake.first_name()} {fake.last_name()}" if country != "CN" else fake.name(),
            "P": lambda number=number: number,
            "A": lambda: fake.address().replace("\n", ", "),
            "C": lambda: rng.choice(COURIERS),
        }[slot[2]]()
        pieces.append((text, LABELS[slot[2]]))
        for place in slot[1]:
            expected[int(place) - 1][1].add(text)
    return [*pieces, (template[end:], None)], expected


def simplify(record: Record) -> tuple[Any, set[str]]:
    """Return the role of a record, and the texts of its values."""
    return record["role"], {value["text"] for field in record for value in values_of(record, field)}


@app.command()
def slips(
    pipeline: Annotated[str, typer.Argument(help="A pipeline that benchmarks/waybill.py has trained.")],
    data: Annotated[Path, typer.Argument(help="Folder with test.txt.")],
) -> None:
    """Count the slips that are right in every field of their one record, and the fields."""
    nlp = spacy_xner.load(pipeline)
    nlp.add_pipe("xrecord", config={"fields": WAYBILL})
    texts, gold = read_slips(data)
    found = [read_fields(doc._.records) for doc in nlp.pipe(texts)]
    write_results({"spacy-xner": compare(texts, gold, found)}, "slips")


@app.command()
def rivals(
    data: Annotated[Path, typer.Argument(help="Folder with test.txt.")],
    npm: Annotated[Path, typer.Option(help="Folder in which npm has installed its packages.")],
    cpca: Annotated[Path, typer.Option(help="Python with cpca.")],
    jionlp: Annotated[Path, typer.Option(help="Python with jionlp.")],
) -> None:
    """Count the slips that other tools get right."""
    texts, gold = read_slips(data)
    rows = {}
    for name in NPM:
        version = srsly.read_json(npm / "node_modules" / name / "package.json")["version"]
        lines = run_rival(["node", str(RIVALS / "parse.js"), name], texts, npm)
        rows[f"{name} {version} (npm)"] = compare(texts, gold, lines)
    for name, python in (("cpca", cpca), ("jionlp", jionlp)):
        show = f"import importlib.metadata as m; print(m.version({name!r}))"
        version = subprocess.run(
            [python, "-c", show], stdout=subprocess.PIPE, text=True, check=True
        ).stdout.strip()
        lines = run_rival([str(python), "-W", "ignore", str(RIVALS / "parse.py"), name], texts, npm)
        rows[f"{name} {version} (PyPI)"] = compare(texts, gold, lines)
    write_results(rows, "rivals")


def run_rival(command: Sequence[str], texts: Sequence[str], folder: Path) -> list[dict[str, str]]:
    """Run a tool; returns the fields of each text, with the E.164 that its telephone would have."""
    done = subprocess.run(
        command, cwd=folder, input="\n".join(texts), stdout=subprocess.PIPE, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [{**line, "e164": f"+86{line.get('phone', '')}"} for line in lines]


def read_slips(data: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read the texts of the test set, and the gold value of each field."""
    records = read_corpus(data / "test.txt")
    gold = []
    for record in records:
        fields: dict[str, str] = defaultdict(str)
        for span in record.spans or ():
            fields[WAYBILL[span.label]] += record.text[span.char_start : span.char_end]
        gold.append({**fields, "e164": f"+86{fields['phone']}"})
    return [record.text for record in records], gold


def read_fields(records: list[Record]) -> dict[str, str]:
    """Return the texts of the fields of a slip's only record; none if there are others."""
    if len(records) != 1:
        return {}
    fields = {
        name: "".join(value["text"] for value in values_of(records[0], name)) for name in WAYBILL.values()
    }
    return {**fields, "e164": "".join(str(value["value"]) for value in values_of(records[0], "phone"))}


def compare(
    texts: Sequence[str], gold: Sequence[Mapping[str, str]], found: Sequence[Mapping[str, str]]
) -> dict[str, float]:
    """Count the whole slips and the fields that are right, and show wrong ones."""
    counts: Counter[str] = Counter()
    for text, expected, fields in zip(texts, gold, found, strict=True):
        # Some tools write 台湾省 for 台湾.
        right = [
            name
            for name in (*WAYBILL.values(), "e164")
            if fields.get(name, "").removesuffix("省") == expected.get(name, "").removesuffix("省")
        ]
        counts.update(right)
        counts["whole slips"] += len(right) == len(WAYBILL) + 1
        if len(right) <= len(WAYBILL):
            print(text, dict(expected), dict(fields), sep="\n", end="\n\n")
    columns = ("whole slips", "name", "phone", *PARTS)
    return {"slips": len(texts), **{column: counts[column] for column in columns}}


@app.command()
def cost(pipeline: str, data: Path) -> None:
    """Measure the seconds of `xrecord` beside those of the other components, in fp32 and bf16."""
    nlp = spacy_xner.load(pipeline)
    maker: Any = nlp.add_pipe("xrecord", config={"fields": WAYBILL})
    nlp.disable_pipe("xrecord")
    texts = [record.text for record in read_corpus(data / "test.txt")]
    rows = {}
    for precision in ("fp32", "bf16"):
        pipe: Any = nlp.get_pipe("xner")
        pipe.configure(precision=precision)
        shares = [measure_share(nlp, maker, texts) for _ in range(4)]
        # The first reads tables and warms up.
        rows[f"mini encoder, {precision}"] = {"% of nlp.pipe without it": spread(shares[1:])}
    write_results(rows, "cost")


def measure_share(nlp: Language, maker: Any, texts: list[str]) -> float:
    """Return the percentage of the time of the other components that records take."""
    docs: list[Doc] = []
    others = clock(lambda: docs.extend(nlp.pipe(texts)))
    # Too short to be timed once.
    return 100 * clock(lambda: [*map(maker, docs * REPEATS)]) / REPEATS / others


if __name__ == "__main__":
    app()
