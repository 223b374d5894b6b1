#!/usr/bin/env bash
# Writes the recorded help texts with the built command; read the difference before committing it.
# inspect.txt and bench.md are what their tests print when they differ.
set -euo pipefail
cd "$(dirname "$0")/../../.."
dera=${DERA:-$(swift build -c release --show-bin-path)/dera}
[ -n "${DERA:-}" ] || { for program in dera dera-measure dera-serve dera-quantize; do swift build -c release --product "$program"; done; }
folder=Tests/Fixtures/commands
COLUMNS=100 "$dera" --help > "$folder/help.txt"
for command in run chat inspect tokenize detokenize logits perplexity score sweep merge frontier bench pack serve \
  unpack list doctor; do
  COLUMNS=100 "$dera" "$command" --help > "$folder/help-$command.txt"
done
COLUMNS=100 "$dera-quantize" --help > "$folder/help-dera-quantize.txt"
(cd "$folder" && sha256sum -- *.txt *.md > SHA256SUMS)
