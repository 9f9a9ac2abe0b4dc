#!/bin/sh
# run_fuzzer.sh TARGET FUZZDIR: the seeds first, then a short fuzzing run on a throw-away corpus.
# GODWIT_FUZZ_SECONDS sets its length (default 3). Seeds: FUZZDIR/<name>/, dictionary: FUZZDIR/<name>.dict
set -eu
target=$1
name=$(basename "$target" _fuzz)
seeds=$2/$name
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
[ -d "$seeds" ] || { echo "no seeds for $name: expected $seeds" >&2; exit 1; }
dict=
[ -f "$2/$name.dict" ] && dict=-dict=$2/$name.dict
# shellcheck disable=SC2086
"$target" -max_total_time="${GODWIT_FUZZ_SECONDS:-3}" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
  -verbosity=0 -artifact_prefix="${GODWIT_FUZZ_ARTIFACTS:-$corpus/}" $dict "$corpus" "$seeds"
