"""Results as text: one line a sample, a Markdown page and a bar chart."""

from collections import defaultdict
from statistics import median

import bars
from programs import BY_NAME, VARIANTS

# What issue-level targets ask for: (figure, pair, least ratio of our rate to llama.cpp's better arrangement).
TARGETS = [("decode", False, 1.15), ("decode", True, 1.8), ("prefill", True, 1.5)]
# Bytes a pair may need beyond its bundle.
EXTRA_BYTES = 60e6
# How much longer a pair's step may take than one model's, where the weights are much larger than caches.
STEP_RATIO = 1.25
LARGE_BUNDLE = 500e6


def line(sample):
    figures = [f"{sample['model']} {sample['codec']}, {sample['threads']} threads, {sample['variant']}:"]
    if "prefill" in sample:
        figures.append(f"prefill {sample['prefill']:.1f} tok/s,")
    figures.append(f"decode {sample['decode']:.1f} tok/s, first token {sample['first_token']:.3f} s,")
    figures.append(f"peak {megabytes(sample['peak_rss'])} MB, anonymous {megabytes(sample['rss_anon'])} MB")
    figures.append(f"(others {sample['others']:.2f} cores)")
    return " ".join(figures)


def megabytes(count):
    return f"{count / 1e6:,.0f}"


class Group:
    """The samples of one model, codec and thread count."""

    def __init__(self, key, samples):
        self.model, self.codec, self.threads = key
        self.samples = defaultdict(list)
        for sample in samples:
            self.samples[sample["variant"]].append(sample)
        self.variants = [variant for variant in VARIANTS if variant.name in self.samples]
        self.bundle_bytes = samples[0]["bundle_bytes"]

    @property
    def title(self):
        return f"{self.model} {self.codec}, {self.threads} thread{'s' * (self.threads > 1)}"

    def values(self, name, figure):
        return [sample[figure] for sample in self.samples[name] if figure in sample]

    def median(self, name, figure):
        values = self.values(name, figure)
        return median(values) if values else None

    def ours_over(self, name, figure):
        """Median over the rounds of our rate divided by this variant's in the same round."""
        def by_round(variant):
            return {sample["round"]: sample[figure] for sample in self.samples[variant] if figure in sample}

        ours = by_round("dera-pair" if BY_NAME[name].pair else "dera-one")
        theirs = by_round(name)
        ratios = [ours[number] / theirs[number] for number in ours.keys() & theirs.keys()]
        return median(ratios) if ratios else None

    def best(self, figure, pair, huge_pages):
        """llama.cpp's variant with the best rate."""
        names = [variant.name for variant in self.variants if variant.program == "llama" and variant.pair == pair
                 and (huge_pages or not variant.environment) and self.median(variant.name, figure)]
        return max(names, key=lambda name: self.median(name, figure), default=None)


def groups(results):
    collected = defaultdict(list)
    for sample in results["samples"]:
        collected[sample["model"], sample["codec"], sample["threads"]].append(sample)
    return [Group(key, samples) for key, samples in sorted(collected.items())]


def number(value, digits=1, unit=""):
    return "" if value is None else f"{value:,.{digits}f}{unit}"


def table(group):
    rows = ["| program | prefill tok/s | decode tok/s | first token s | peak RSS MB | RssAnon MB | our prefill | "
            "our decode |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for variant in group.variants:
        name = variant.name
        ratios = ["", ""] if variant.program == "dera" else [
            number(group.ours_over(name, figure), 2, "×") for figure in ("prefill", "decode")]
        memory = [megabytes(group.median(name, figure)) for figure in ("peak_rss", "rss_anon")]
        rows.append("| " + " | ".join([
            variant.title, number(group.median(name, "prefill")), number(group.median(name, "decode")),
            number(group.median(name, "first_token"), 3), *memory, *ratios]) + " |")
    return "\n".join(rows)


def checks(group):
    """(what, target, measured, reached) for everything this group can tell."""
    for figure, pair, least in TARGETS:
        for huge_pages in (False, True):
            best = group.best(figure, pair, huge_pages)
            ratio = group.ours_over(best, figure) if best else None
            if ratio is None or (huge_pages and not BY_NAME[best].environment):
                continue
            what = f"{figure}, {'pair' if pair else 'one model'}, against {BY_NAME[best].title.split(', ', 1)[1]}"
            # 2 MB pages need a setting that few users know; the ratio is given, the target does not count them.
            yield (what, None if huge_pages else f"≥ {least}×", f"{ratio:.2f}×", ratio >= least)
    one, pair = (group.median(name, "decode") for name in ("dera-one", "dera-pair"))
    if one and pair:
        target = f"≤ {STEP_RATIO}×" if group.bundle_bytes > LARGE_BUNDLE else None
        yield ("time of a pair's step over one model's", target, f"{one / pair:.2f}×", one / pair <= STEP_RATIO)
    peak = group.median("dera-pair", "peak_rss")
    if peak:
        extra = peak - group.bundle_bytes
        yield ("peak RSS of a pair beyond the bundle", f"≤ {megabytes(EXTRA_BYTES)} MB", f"{megabytes(extra)} MB",
               extra <= EXTRA_BYTES)


def markdown(results, found, chart):
    system, settings = results["machine"], results["settings"]
    loads = [sample["load"] for sample in results["samples"]]
    others = [sample["others"] for sample in results["samples"]]
    counts = sorted({len(samples) for group in found for samples in group.samples.values()})
    rounds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    parts = [
        "# DeRa beside llama.cpp and transformers", "",
        f"{system['cpu']}, {system['cores']} cores ({', '.join(system['features'])}), {system['memory_gb']} GB, Linux "
        f"{system['kernel']}, transparent huge pages: {system['huge_pages']}. Load average before the measurements "
        f"{min(loads):.2f} to {max(loads):.2f}; other processes used {median(others):.2f} cores (median, at most "
        f"{max(others):.2f}) while one ran{', at the lowest priority' if settings['hurry'] else ''}."
        f"{f' Processes that only count kept {busy} of the cores busy.' if (busy := settings.get('busy')) else ''}", "",
        "; ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".", "",
        f"Medians of {rounds} interleaved rounds, every measurement a process of its own. Prefill: {settings['prefill']} "
        f"tokens. Decode: {settings['tokens']} greedy tokens after a prompt of "
        f"{results['samples'][0]['prompt_tokens']}. First token: from the start of the program (DeRa: the whole "
        f"process; the others: after Python's imports). Memory without Python's own. \"Our\" columns: DeRa's rate "
        f"divided by this row's, median over the rounds.", "",
        f"![Bars of the rates below]({chart.name})", ""]
    for group in found:
        parts += [f"## {group.title}", "", table(group), ""]
        rows = [f"| {what} | {target or '–'} | {value} | {'' if target is None else 'yes' if reached else 'no'} |"
                for what, target, value, reached in checks(group)]
        if rows:
            parts += ["| | target | measured | reached |", "|---|--:|--:|---|", *rows, ""]
    return "\n".join(parts)


def chart(found):
    sections = []
    for group in found:
        rows = [(variant.title, [group.median(variant.name, figure) for figure in ("decode", "prefill")],
                 variant.program == "dera") for variant in group.variants]
        sections.append((group.title, rows))
    return bars.svg("Tokens a second (longer is better)", ["decode", "prefill"], sections)


def write(results, output):
    found = groups(results)
    picture = output.with_suffix(".svg")
    picture.write_text(chart(found))
    output.with_suffix(".md").write_text(markdown(results, found, picture))
