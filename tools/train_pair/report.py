"""Prints the measurements of a manifest as Markdown, for quantized-models/README.md.

    python report.py quantized-models/storyteller/manifest.json
"""

import json
import sys
from pathlib import Path


def table(head: str, rows: list[list[str]]) -> str:
    """A Markdown table; `head` has its cells separated by `|`."""
    cells = head.split("|")
    lines = [cells, ["---"] * len(cells), *rows]
    return "\n".join("| " + " | ".join(cell.strip() for cell in line) + " |" for line in lines) + "\n"


def aligned_row(model: dict) -> list[str]:
    """Prediction and measurement of one aligned model.

    What the objective E[r] − β·KL lacks of its optimum is β·KL(π ‖ π*).
    """
    predicted, measured, beta = model["predicted"], model["measured"], model["beta"]
    lack = (predicted["reward"] - measured["reward"]) / beta - (predicted["kl"] - measured["kl"])
    return [
        f"`{model['name']}`", f"{beta:g}", f"{model['effective_share']:.0%}",
        f"{predicted['reward']:.3f}", f"{measured['reward']:.3f} ± {measured['reward_error']:.3f}",
        f"{predicted['kl']:.2f}", f"{measured['kl']:.2f} ± {measured['kl_error']:.2f}",
        f"{lack:.2f}", f"{measured['words']:.1f}", f"{measured['happy']:+.2f}",
    ]


def main() -> None:
    manifest = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    reference = manifest["reference"]
    print(f"Reference: {reference['parameters']:,} parameters, {reference['training_tokens']:,} training tokens,")
    print(f"{reference['reference_nats_per_token']:.3f} nats per token on held-out stories")
    print(f"(pretrained: {reference['pretrained_nats_per_token']:.3f}).\n")
    head = "model|β|effective samples|E[r] predicted|E[r] measured|KL predicted|KL measured|KL(π ‖ π*)|words|happy"
    print(table(head, [aligned_row(model) for model in manifest["aligned"]]))
    for name, rows in manifest["slider"].items():
        cells = [
            [f"{row['lambda']:g}", f"{row['words']:.1f}", f"{row['happy']:+.3f}", f"{row['strangers']:.1%}"]
            for row in rows
        ]
        print(f"Slider of `{name}`, {rows[0]['stories']} stories at each λ:\n")
        print(table("λ|mean words|mean happiness|wrong names", cells))
        for row in rows:
            print(f"- λ = {row['lambda']:g}: {row['examples'][1]}")
        print()


if __name__ == "__main__":
    main()
