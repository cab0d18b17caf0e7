# shellcheck shell=bash
# Which programs of this machine used its processors meanwhile. Sourced by scripts that measure.

# measuring_cpu COMMAND…: runs a command, then says how many cores each program kept busy, and whether there were any left.
measuring_cpu() {
  local before after status=0 began=$EPOCHREALTIME
  before=$(cpu_ticks)
  "$@" || status=$?
  after=$(cpu_ticks)
  awk -v seconds="$(awk "BEGIN {print $EPOCHREALTIME - $began}")" -v hertz="$(getconf CLK_TCK)" -v cores="$(nproc)" '
    FNR == NR { before[$1] = $3; next }
    { used = $3 - before[$1]; if (used > 0) { program[$2] += used; all += used } }
    END {
      printf "  cores kept busy over %d s, of %d:\n", seconds, cores
      for (name in program) if (program[name] / hertz / seconds >= 0.02)
        printf "    %5.2f  %s\n", program[name] / hertz / seconds, name | "sort -rn"
      close("sort -rn")
      busy = all / hertz / seconds
      verdict = (busy > 0.9 * cores) ? "the processors are the bottleneck" : "the processors are not the bottleneck"
      printf "    %5.2f  in all: %s\n", busy, verdict
    }' <(printf '%s\n' "$before") <(printf '%s\n' "$after")
  return "$status"
}

# A line a process: its id, the name of its program, the clock ticks it has used.
cpu_ticks() {
  local file line name rest
  for file in /proc/[0-9]*/stat; do
    # Some are gone by now.
    { line=$(<"$file"); } 2>/dev/null || continue
    name=${line#*(} name=${name%)*} rest=${line##*) }
    read -r -a rest <<<"$rest"
    printf '%s %s %s\n' "${line%% *}" "${name// /_}" "$((rest[11] + rest[12]))"
  done
}
