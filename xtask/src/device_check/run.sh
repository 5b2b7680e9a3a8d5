#!/usr/bin/env bash
# Checks simgan on this machine in under six minutes, using the programs beside this script. It needs no network.
#
# Usage: run.sh [LOGS]     LOGS: a folder for each step's whole output [default: a new one under /tmp]
#
# Prints one JSON object on standard output; progress goes to standard error. A step that fails or takes too long does
# not stop the next one. Exit status: 0 if every step passed, else 1.
set -u
# Numbers in the JSON have a decimal point.
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
device=$(cat "$here/device")
logs=${1:-$(mktemp -d "${TMPDIR:-/tmp}/device-check-XXXXXX")}
mkdir -p "$logs" && logs=$(cd "$logs" && pwd) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# The tests read PyTorch's golden values from here. SIMGAN_TEST_GPU makes them fail without a GPU instead of passing on the CPU alone.
export SIMGAN_TEST_REPOSITORY="$here/repository"
if [ "$device" != cpu ]; then
    export SIMGAN_TEST_GPU=1
    # Run one test at a time: they share the GPU, and the CPU part of each test is parallel by itself.
    export RUST_TEST_THREADS=1
fi

missing_libraries() { ldd "$here/bin/simgan" | grep 'not found'; }

# Missing libraries are searched for in a CUDA toolkit and in Python's packages, where PyTorch installs them.
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if [ -n "$(missing_libraries)" ]; then
    site=$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))' 2>/dev/null)
    for folder in /usr/local/cuda/lib64 /usr/local/nvidia/lib64 "$site"/nvidia/*/lib; do
        [ -d "$folder" ] && LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$folder"
    done
fi

# Prints standard input as a JSON string. Drops non-ASCII bytes: tail may cut a character in two, which is invalid JSON.
json_string() {
    printf '"'
    LC_ALL=C tr -cd '\11\12\40-\176' | sed 's/\\/\\\\/g; s/"/\\"/g; s/\t/ /g' | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
    printf '"'
}

seconds_since() { awk -v start="$1" -v end="$(date +%s.%N)" 'BEGIN { printf "%.1f", end - start }'; }

steps=
passed=true

# step NAME SECONDS COMMAND...: runs a command for at most SECONDS and records the result.
step() {
    local name=$1 limit=$2 start code status seconds detail
    shift 2
    echo "device-check: $name, at most $limit s" >&2
    start=$(date +%s.%N)
    timeout --kill-after=2 "$limit" "$@" >"$logs/$name.log" 2>&1 </dev/null
    code=$?
    case $code in
        0) status=passed ;;
        124 | 137) status='timed out' ;;
        *) status=failed ;;
    esac
    seconds=$(seconds_since "$start")
    if [ $code = 0 ]; then
        detail=$(tail -n 12 "$logs/$name.log" | tail -c 1500 | json_string)
    else
        passed=false
        detail=$(tail -c 4000 "$logs/$name.log" | json_string)
    fi
    echo "device-check: $name $status after $seconds s" >&2
    steps="$steps${steps:+,}
    {\"name\": \"$name\", \"status\": \"$status\", \"seconds\": $seconds, \"exit_status\": $code, \"detail\": $detail}"
}

device_name() {
    if [ "$device" = cpu ]; then
        grep -m 1 'model name' /proc/cpuinfo | cut -d : -f 2- | sed 's/^ *//'
    else
        nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader | head -n 1
    fi
}

begin=$(date +%s.%N)
simgan=$here/bin/simgan
train=(train --run "$work/run" --device "$device" --seed 7)
settings=(--set schedule.pretrain_refiner=20 --set schedule.pretrain_discriminator=10 --set output.checkpoint_every=50)
# On a CPU the script itself is tried; the batches of a GPU would take minutes.
[ "$device" = cpu ] && settings+=(--set data.batch=8)

# The limits add up to 350 seconds, which keeps the whole script under six minutes.
step libraries 10 bash -c 'ldd "$1"; ! ldd "$1" | grep -q "not found"' - "$simgan"
step version 10 "$simgan" --version
step kernels 110 "$here/bin/kernels"
step golden 40 "$here/bin/golden"
step train 70 "$simgan" "${train[@]}" --steps 100 "${settings[@]}"
step resume 25 "$simgan" "${train[@]}" --resume --steps 110
step refine 25 "$simgan" refine --model "$work/run" --input builtin:eyes --count 64 --output "$work/refined" \
    --device "$device"
step refined 5 bash -c 'n=$(ls "$1" | grep -ciE "[.](jpg|png)$"); echo "$n images"; test "$n" = 64' - "$work/refined"
step bench 35 "$simgan" bench --json --reps 1 --batch 32 --device "$device"
# Not every CPU multiplies bf16.
[ "$device" = cpu ] || step bench-bf16 20 "$simgan" bench --json --reps 1 --batch 32 --device "$device" --precision bf16

cat <<END
{
  "passed": $passed,
  "device": $(device_name 2>&1 | json_string),
  "system": $({ uname -srm; getconf GNU_LIBC_VERSION; } 2>&1 | json_string),
  "versions": $(cat "$here/about.json"),
  "seconds": $(seconds_since "$begin"),
  "logs": $(printf '%s\n' "$logs" | json_string),
  "steps": [$steps
  ]
}
END
[ $passed = true ]
