"""How many addresses a CPU second are asked about, against lists of five million entries? Bar: 200,000.

    ./run bench urls [--entries 5000000] [--addresses 300000]

The list is generated (domains, hosts and addresses with paths); the addresses are made up in the shapes that Common
Crawl's have: 1% are on the list, a tenth holds percent-encoded Chinese, which takes the way through the full
normal form. Prints one line of JSON: seconds and memory to make the list and to open it again, addresses a CPU second
for the list, for the words, for the normal form, and for the limits.
"""

import argparse
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

from headwater.recipe.sources import Urls
from headwater.sources import url_lists
from headwater.sources.urls import UrlGate, normalise

TOP = ("com", "net", "org", "cn", "com.cn", "de", "co.uk", "ru", "info", "top", "xyz", "org.tw")
WORDS = (
    "news",
    "article",
    "blog",
    "2024",
    "05",
    "index.html",
    "category",
    "p",
    "tag",
    "forum",
    "thread",
    "about-us",
)


def host(rng: random.Random) -> str:
    return f"{rng.choice(('', 'www.', 'm.', 'blog.'))}{rng.getrandbits(34):x}.{rng.choice(TOP)}"


def addresses(rng: random.Random, count: int, listed: list[str]) -> list[str]:
    made = []
    for number in range(count):
        name = rng.choice(listed) if number % 100 == 0 else host(rng)
        path = "/".join(rng.choices(WORDS, k=rng.randrange(1, 5))) + f"/{rng.getrandbits(24)}"
        if number % 10 == 1:
            path += "/" + quote("源头活水来新闻")
        made.append(f"https://{name}/{path}")
    return made


def a_second(work: Callable[[str], object], items: Iterable[str]) -> int:
    start, count = time.process_time(), 0
    for item in items:
        work(item)
        count += 1
    return round(count / (time.process_time() - start))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=5_000_000)
    parser.add_argument("--addresses", type=int, default=300_000)
    options = parser.parse_args()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADWATER_CACHE"] = folder
        path, some = Path(folder) / "list.txt", []
        with path.open("w") as file:
            for number in range(options.entries):
                entry = host(rng) + (f"/{rng.getrandbits(32):x}" if number % 10 == 0 else "")
                file.write(entry + "\n")
                if number % 997 == 1:
                    some.append(entry)
        urls = addresses(rng, options.addresses, some)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        gate = UrlGate(Urls(lists={"made": [str(path)]}))
        made = time.process_time() - start
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        url_lists.list_of.cache_clear()
        start = time.process_time()
        gate = UrlGate(Urls(lists={"made": [str(path)]}))
        opened = time.process_time() - start
        found = sum(gate.listed(url) is not None for url in urls)
        assert found >= options.addresses // 100, found
        offsets = iter(range(len(urls)))
        limited = UrlGate(Urls(per_host=5, per_domain=50))
        line = {
            "entries": options.entries,
            "made_cpu_seconds": round(made, 1),
            "made_megabytes": grown >> 10,
            "opened_again_cpu_seconds": round(opened, 4),
            "listed": found,
            "list_checks_a_second": a_second(gate.listed, urls),
            "of_normal_addresses": a_second(gate.listed, [url for url in urls if "%" not in url]),
            "of_encoded_addresses": a_second(gate.listed, [url for url in urls if "%" in url]),
            "word_checks_a_second": a_second(UrlGate(Urls(words="headwater")).listed, urls),
            "limits_a_second": a_second(lambda url: limited.beyond_limit(url, next(offsets)), urls),
            "normal_forms_a_second": a_second(normalise, urls),
        }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
