"""Writes golden-int8.safetensors, golden-int6.safetensors and golden-int4.safetensors into every case directory.

    generate_quantized.py DERA_QUANTIZE        # the converter's executable; run generate.py first

It converts each case and takes the logits of transformers on the *dequantised* weights of the bundle, read by
tools/oracle/bundle.py.  Run it again whenever the choice of scales or codes changes.

    tokens         F32 [32]         those of golden.safetensors
    logits         F32 [32, vocab]  dequantised weights, exact activations
    activation_kl  F32 [32]         KL from `logits` to the same with the runtime's activation rounding simulated
    simulated      F32 [32, vocab]  those logits, for the cases that have an aligned model
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "tools" / "oracle"))

from bundle import Bundle  # noqa: E402
from quantized_oracle import kl, logits  # noqa: E402

from generate import CASES, write_sums  # noqa: E402


def write(bundle, number, directory, bits, keep_simulated):
    tokens = load_file(directory / "golden.safetensors")["tokens"]
    exact, rounded = (logits(bundle, number, tokens.int().tolist(), simulated) for simulated in (False, True))
    divergence = kl(exact, rounded)
    tensors = dict(
        tokens=tokens, logits=torch.from_numpy(exact).float(), activation_kl=torch.from_numpy(divergence).float())
    if keep_simulated:
        tensors["simulated"] = torch.from_numpy(rounded).float()
    path = directory / f"golden-int{bits}.safetensors"
    save_file(tensors, path)
    path.chmod(0o644)
    print(f"{directory.name} int{bits}: activation rounding costs {divergence.mean():.2e}")


def main(quantize):
    for name, options in CASES.items():
        directories = [HERE / name] + ([HERE / f"{name}-aligned"] if "aligned" in options else [])
        for bits in (8, 6, 4):
            with tempfile.TemporaryDirectory() as scratch:
                output = Path(scratch) / "bundle.dera"
                arguments = ["--reference", directories[0], "--bits", str(bits), "--output", output, "--quiet"]
                for directory in directories[1:]:
                    arguments += ["--aligned", directory]
                subprocess.run([quantize, *arguments], check=True)
                bundle = Bundle(output)
                for number, directory in enumerate(directories):
                    write(bundle, number, directory, bits, keep_simulated=len(directories) > 1)
    write_sums()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
