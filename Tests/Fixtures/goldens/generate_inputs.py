"""Writes golden-inputs.safetensors into some case directories: what transformers gives to the matrices.

    python generate_inputs.py     # run generate.py first

For the tokens of golden.safetensors, F32 [32, columns], named as the first of the matrices that read it: blk.L.attn_q,
blk.L.attn_output, blk.L.ffn_gate, blk.L.ffn_down and output.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from generate import write_sums

HERE = Path(__file__).parent
# All layers of a plain one; of Gemma, with its windows and norms after the blocks, one of either kind of layer.
CASES = dict(llama3=[0, 1], gemma3=[0, 5])
MODULES = {"self_attn.q_proj": "attn_q", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
           "mlp.down_proj": "ffn_down"}


@torch.no_grad()
def inputs(directory, layers):
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    found = {}

    def watch(module, name):
        module.register_forward_pre_hook(lambda _, values: found.update({name: values[0][0].clone().contiguous()}))

    for layer in layers:
        for path, name in MODULES.items():
            watch(model.get_submodule(f"model.layers.{layer}.{path}"), f"blk.{layer}.{name}")
    watch(model.lm_head, "output")
    tokens = load_file(directory / "golden.safetensors")["tokens"].long()
    model(tokens[None])
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, layers in CASES.items():
        path = HERE / name / "golden-inputs.safetensors"
        save_file(inputs(HERE / name, layers), path)
        path.chmod(0o644)
    write_sums()
