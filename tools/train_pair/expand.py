"""Turns a difference file of the family into an ordinary checkpoint directory.

    python expand.py --reference quantized-models/storyteller/reference \
        --difference quantized-models/storyteller/family/brief-beta-0.1.safetensors --output brief-beta-0.1
"""

import argparse
from pathlib import Path

from model import load_model
from storage import load_difference, save_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description="expand a difference file into a checkpoint directory")
    parser.add_argument("--reference", type=Path, required=True, help="checkpoint directory the difference belongs to")
    parser.add_argument("--difference", type=Path, required=True, help="file of the family, *.safetensors")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint directory to write")
    arguments = parser.parse_args()
    model = load_model(arguments.reference)
    # A tied output matrix is in the model but not in the file.
    model.load_state_dict(load_difference(arguments.reference, arguments.difference), strict=False)
    save_checkpoint(model, arguments.output, arguments.reference)
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
