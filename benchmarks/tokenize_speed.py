"""The two tokenizers: Korean entities with a border inside a token, and texts per second.

Korean texts are drawn in the manner of KLUE-NER: half of the entities have a particle behind them.

Usage: python benchmarks/tokenize_speed.py [CORPUS ...]
"""

import random
import statistics
from pathlib import Path
from typing import Annotated, Any

import typer
from common import clock, read_corpus
from results import Cell, spread, write_results

from spacy_xner.tokenizer import V1, V2

ENTITIES = (
    "김하늘 박서준 최유리 남궁민 황보라 서울 부산 제주도 강릉 일본 한빛전자 국토부 우리당 "
    "새마을금고 삼성 지난해 3월 21일 3명 5만원 30%"
).split()
PARTICLES = (
    "은 는 이 가 을 를 의 에 에서 에게 와 과 로 으로 도 만 까지 부터 씨 씨는 씨가 님 에는 에서는 "
    "에서도 로부터 라고 이라는 다 였다 처럼 보다 이나 측은 팀 전에서 산 들이 식 내 마다 인 뿐 엔 정도"
).split()
WORDS = (
    "그리고 많은 사람들이 새로운 영화를 보고 발표했다 이번 회의는 열렸다 가장 함께 알려졌다 조사했다".split()
)
PATTERNS = {"v1": V1, "v2": V2}
REPEATS = 5
Borders = set[int]


def draw_korean(n_texts: int, seed: int = 0) -> list[tuple[str, Borders]]:
    """Draw texts, each with the offsets where an entity starts or ends."""
    rng = random.Random(seed)
    texts = []
    for _ in range(n_texts):
        text, borders = "", set()
        for _ in range(rng.randint(2, 4)):
            text += f"{rng.choice(WORDS)} "
            entity = rng.choice(ENTITIES)
            borders |= {len(text), len(text) + len(entity)}
            text += f"{entity}{rng.choice(PARTICLES) if rng.random() < 0.5 else ''} "
        texts.append((f"{text}{rng.choice(WORDS)}.", borders))
    return texts


def find_borders(text: str, pattern: Any) -> Borders:
    """Return the offsets where a token starts or ends."""
    matches = [(match.start(), match.start() + len(match[0].rstrip(" "))) for match in pattern.finditer(text)]
    return {offset for match in matches for offset in match}


def main(corpora: Annotated[list[Path] | None, typer.Argument(help="Corpora, for speed.")] = None) -> None:
    """Print shares of borders inside a token, and speeds."""
    korean = draw_korean(3000)
    rows: dict[str, dict[str, Cell]] = {name: {} for name in PATTERNS}
    for name, pattern in PATTERNS.items():
        inside = [len(borders - find_borders(text, pattern)) for text, borders in korean]
        n = sum(len(borders) // 2 for _, borders in korean)
        share = f"{sum(inside)} of {n} Korean entities with a border inside a token"
        print(f"{name}: {share} ({sum(inside) / n:.1%})")
        rows[name]["Korean entities with a border inside a token, %"] = 100 * sum(inside) / n
    texts = {"Korean": [text for text, _ in korean]}
    texts |= {str(path): [record.text for record in read_corpus(path)] for path in corpora or ()}
    for title, part in texts.items():
        speeds = {name: [] for name in PATTERNS}  # type: dict[str, list[float]]
        for _ in range(REPEATS):
            for name, pattern in PATTERNS.items():
                speeds[name].append(len(part) / clock(lambda p=pattern, t=part: [*map(p.findall, t)]))
        medians = ", ".join(f"{name} {statistics.median(values):,.0f}" for name, values in speeds.items())
        print(f"{title}: {medians} texts per second", flush=True)
        for name, values in speeds.items():
            rows[name][f"{Path(title).name}, texts per second"] = spread(values)
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
