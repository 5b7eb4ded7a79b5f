#!/bin/sh
# Lets a deployment pass only when `roadworthy verify gate` says GO. Everything else stops it: another exit code, no
# report, no signature, no key, no tool, a tool that ends well and says nothing.
#
#   ROADWORTHY_KEY       public key that is trusted (file)                  needed
#   ROADWORTHY_SUBJECT   folder that is deployed, or sha256:...             needed
#   ROADWORTHY_REPORT    folder of the run's output                         default .roadworthy/verify
#   ROADWORTHY_SEEN      file that remembers the last report judged         optional
#   ROADWORTHY_POLICY    policy that must hold, byte by byte                optional
#   ROADWORTHY           the command                                        default roadworthy
#
# Exit: 0 GO; 1 NO-GO; 4 INCOMPLETE or something is missing; 3 cannot be trusted; any other code of the tool as it is.
set -u

stop() {
    printf 'roadworthy gate: %s The deployment is stopped.\n' "$1" >&2
    outcome "$2" "$3"
    exit "$2"
}

outcome() {
    if [ -n "${GITHUB_OUTPUT:-}" ]; then printf 'exit-code=%s\ndecision=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; fi
    if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
        printf '## Roadworthy gate: %s (exit %s)\n\n' "$2" "$1" >>"$GITHUB_STEP_SUMMARY"
        if [ -s "$report/report.md" ]; then cat "$report/report.md" >>"$GITHUB_STEP_SUMMARY"; fi
    fi
}

report=${ROADWORTHY_REPORT:-.roadworthy/verify}
tool=${ROADWORTHY:-roadworthy}
[ -n "${ROADWORTHY_KEY:-}" ] || stop 'ROADWORTHY_KEY is not set.' 4 UNKNOWN
[ -n "${ROADWORTHY_SUBJECT:-}" ] || stop 'ROADWORTHY_SUBJECT is not set.' 4 UNKNOWN
[ -s "$ROADWORTHY_KEY" ] || stop "There is no key at $ROADWORTHY_KEY." 4 UNKNOWN
[ -s "$report/report.json" ] || stop "There is no report in $report." 4 UNKNOWN
[ -s "$report/readiness.intoto.jsonl" ] || stop "The report in $report is not signed." 4 UNKNOWN
command -v "$tool" >/dev/null 2>&1 || stop "$tool is not installed." 4 UNKNOWN

set -- verify gate --json --key "$ROADWORTHY_KEY" --subject "$ROADWORTHY_SUBJECT"
[ -z "${ROADWORTHY_SEEN:-}" ] || set -- "$@" --seen "$ROADWORTHY_SEEN"
[ -z "${ROADWORTHY_POLICY:-}" ] || set -- "$@" --policy "$ROADWORTHY_POLICY"
said=$("$tool" "$@" "$report")
code=$?
printf '%s\n' "$said"
decision=$(printf '%s' "$said" | sed -n 's/.*"decision": *"\([A-Z-]*\)".*/\1/p' | head -n 1)
if [ "$code" -ne 0 ]; then
    if [ "$decision" = GO ]; then decision=; fi
    stop "It ended with exit code $code and did not say GO." "$code" "${decision:-UNKNOWN}"
fi
if [ "$decision" != GO ]; then stop 'The tool ended well and did not say GO.' 4 UNKNOWN; fi
outcome 0 GO
echo 'roadworthy gate: GO' >&2
