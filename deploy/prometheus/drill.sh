#!/usr/bin/env bash
# Sees every alert fire: starts nodes and a Prometheus with the shipped alerts, and breaks things.
# Touches nothing outside a temporary directory; takes about six minutes.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: drill.sh [QUELL]

Starts QUELL (default: `quell` from PATH) with its shipped rules and a Prometheus with
quell.rules.yaml, in which minutes are shortened to seconds. After a calm phase, in which no alert may
fire, it breaks one thing after another and waits for the alert.

Needs prometheus, promtool, openssl, curl and prlimit.
Exit codes: 0 each alert fired and none in calm, 1 not so, 64 something is missing.
TEXT
}

case "${1:-}" in -h | --help) usage; exit 0 ;; esac
quell=$(command -v "${1:-quell}") || { echo "no ${1:-quell}; give its path" >&2; exit 64; }
quell=$(realpath "$quell")
for tool in prometheus promtool openssl curl prlimit; do
  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 64; }
done

here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
home=$(mktemp -d)
failed=0
declare -A pids=()
cleanup() {
  trap - EXIT
  for pid in "${pids[@]}"; do
    kill -CONT "$pid" 2>/dev/null || true
    kill -9 "$pid" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$home"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
callbacks=$(free_port) operator=$(free_port) tls=$(free_port) tls_operator=$(free_port) prom=$(free_port)
path="/callback?SdkAppid=1400000001&CallbackCommand=Group.CallbackBeforeSendMsg"

node() {
  QUELL_APP__SDK_APP_ID=1400000001 QUELL_APP__TOKENS=drill QUELL_LIMITS__CONNECTIONS_MAX=100 \
    "$quell" serve --rules "$home/a/rules" --listen "127.0.0.1:$callbacks" \
    --operator "127.0.0.1:$operator" >>"$home/node.log" 2>&1 &
  pids[node]=$!
}
ready() {
  for _ in $(seq 100); do
    curl -fs "http://127.0.0.1:$1/$2" >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "nothing answers on port $1" >&2
  tail -5 "$home"/*.log >&2
  exit 1
}
traffic() { # NAME TOKEN
  "$quell" simulate --target "http://127.0.0.1:$callbacks/callback" --app 1400000001 --token "$2" \
    --rate 100 --duration 1h >/dev/null 2>&1 &
  pids[$1]=$!
}
stop() { kill "${2:--TERM}" "${pids[$1]}" 2>/dev/null || true; wait "${pids[$1]}" 2>/dev/null || true; }
firing() {
  promtool query instant "http://127.0.0.1:$prom" 'ALERTS{alertstate="firing"}' 2>/dev/null |
    grep -o 'alertname="[^"]*"' | cut -d'"' -f2 | sort -u || true
}
row() { printf '%-4s %-34s %s\n' "$1" "$2" "$3"; }
expect() { # DRILL ALERT
  local since=$SECONDS
  while ((SECONDS - since < 60)); do
    if firing | grep -qx "$2"; then row ok "$1" "$2 after $((SECONDS - since)) s"; return; fi
    sleep 1
  done
  row FAIL "$1" "$2 did not fire; firing: $(firing | tr '\n' ' ')"
  failed=1
}
calm() { # WHEN: until nothing fires
  local since=$SECONDS
  while ((SECONDS - since < 90)); do
    if [[ -z $(firing) ]]; then row ok "$1" "nothing fires after $((SECONDS - since)) s"; return; fi
    sleep 1
  done
  row FAIL "$1" "still firing: $(firing | tr '\n' ' ')"
  failed=1
}
signed() { # [SECONDS]: the query of a callback of now, or of so long ago
  local now
  now=$(($(date +%s) - ${1:-0}))
  echo "$path&RequestTime=$now&Sign=$(printf 'drill%s' "$now" | sha256sum | cut -d' ' -f1)"
}
idle() { # FROM TO: connections that ask once, and stay
  local query
  query=$(signed)
  # Those over the cap are closed before they are asked anything.
  trap '' PIPE
  for fd in $(seq "$1" "$2"); do
    eval "exec $fd<>/dev/tcp/127.0.0.1/$callbacks" 2>/dev/null || continue
    printf 'POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}' "$query" 2>/dev/null >&"$fd" || true
  done
  trap - PIPE
}
hang_up() { for fd in $(seq "$1" "$2"); do eval "exec $fd>&-"; done; }

# The shipped alerts, in a hurry.
sed -E 's/\[(5|10)m\]/[20s]/g; s/\[(1h|30m)\]/[60s]/g; s/\[1d\]/[2m]/g; s/offset 1[05]m/offset 20s/g
  s/for: [0-9]+m/for: 4s/' "$here/quell.rules.yaml" >"$home/rules.yaml"
cat >"$home/prometheus.yml" <<TEXT
global: { scrape_interval: 2s, scrape_timeout: 1s, evaluation_interval: 2s }
rule_files: [rules.yaml]
scrape_configs:
  - job_name: quell
    file_sd_configs: [{ files: [targets.json], refresh_interval: 1s }]
TEXT
echo "[{\"targets\": [\"127.0.0.1:$operator\"]}]" >"$home/targets.json"
"$quell" init "$home/a" >/dev/null
"$quell" init "$home/b" >/dev/null
ulimit -n 4096

node
ready "$operator" ready
prometheus --config.file="$home/prometheus.yml" --storage.tsdb.path="$home/data" \
  --web.listen-address="127.0.0.1:$prom" >"$home/prometheus.log" 2>&1 &
pids[prometheus]=$!
ready "$prom" -/ready
traffic traffic drill
while [[ -z $(promtool query instant "http://127.0.0.1:$prom" 'up == 1') ]]; do sleep 1; done
sleep 6
for _ in $(seq 20); do
  sleep 2
  if [[ -n $(firing) ]]; then
    row FAIL "calm" "firing: $(firing | tr '\n' ' ')"
    failed=1
    break
  fi
done
((failed)) || row ok "calm" "nothing fired in 40 s"

printf '[[rule]]\nid = 1\n' >"$home/a/rules/broken.toml"
expect "an edit with a mistake" QuellRulesRejected
rm "$home/a/rules/broken.toml"

printf 'fn judge(message, facts) { let n = 0; while n >= 0 { n += 1; } true }\n' \
  >"$home/a/rules/scripts/bomb.rhai"
printf '[[rule]]\nid = "drill.bomb"\ntitle = "d"\nwhen.regex = ["kaboom"]\nwhen.script = "scripts/bomb.rhai"\nthen.verdict = "deny"\n' \
  >"$home/a/rules/bomb.toml"
sleep 2
for _ in $(seq 12); do
  curl -s "http://127.0.0.1:$callbacks$(signed)" -d \
    '{"GroupId":"a","From_Account":"u","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"kaboom"}}]}' \
    >/dev/null
  sleep 0.2
done
expect "a script without end" QuellRuleBenched
rm "$home/a/rules/bomb.toml" "$home/a/rules/scripts/bomb.rhai"

# Half of what `simulate` sends, and no example of the shipped rules.
printf '[[rule]]\nid = "drill.wide"\ntitle = "d"\non = ["TIMTextElem"]\nscope = { group_types = ["AVChatRoom"] }\nwhen.regex = ["."]\nthen.verdict = "allow"\n' \
  >"$home/a/rules/wide.toml"
expect "a rule that fires on everything" QuellRuleRunsAway
rm "$home/a/rules/wide.toml"

traffic forged wrong
expect "forged signatures" QuellRefused
stop forged
calm "all of it mended"

for n in 1 2 3 4 5 6; do
  while :; do
    { printf 'POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{' "$(signed)" >&9 && read -r -t 5 _ <&9; } 9<>"/dev/tcp/127.0.0.1/$callbacks" || true
  done 2>/dev/null &
  pids[slow$n]=$!
done
expect "bodies that do not arrive" QuellFallbacks
expect "bodies that do not arrive" QuellFaults
expect "bodies that do not arrive" QuellSlow
for n in 1 2 3 4 5 6; do stop "slow$n" -KILL; done

kill -STOP "${pids[node]}"
expect "a frozen node" QuellDown
kill -CONT "${pids[node]}"
calm "thawed"

idle 100 179
expect "connections that stay" QuellConnectionsNearCap
idle 180 229
expect "connections over the cap" QuellConnectionsRefused
open=$(find "/proc/${pids[node]}/fd" -mindepth 1 | wc -l)
prlimit --pid "${pids[node]}" --nofile=$((open + 20)):$((open + 20))
expect "short of file descriptors" QuellFilesNearLimit
hang_up 100 229

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=drill \
  -keyout "$home/key.pem" -out "$home/cert.pem" 2>/dev/null
printf '[[rule]]\nid = "drill.other"\ntitle = "d"\nwhen.regex = ["zzz"]\nthen.verdict = "allow"\n' \
  >"$home/b/rules/other.toml"
QUELL_LISTEN__TLS__CERTIFICATE="$home/cert.pem" QUELL_LISTEN__TLS__KEY="$home/key.pem" \
  "$quell" serve --rules "$home/b/rules" --listen "127.0.0.1:$tls" \
  --operator "127.0.0.1:$tls_operator" >>"$home/tls.log" 2>&1 &
pids[tls]=$!
ready "$tls_operator" ready
echo "[{\"targets\": [\"127.0.0.1:$operator\", \"127.0.0.1:$tls_operator\"]}]" >"$home/targets.json"
expect "a certificate of one day" QuellCertificateExpires
expect "a certificate of one day" QuellCertificateExpiresSoon
expect "nodes with different rules" QuellRevisionsDiffer
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out "$home/key.pem" 2>/dev/null
expect "a key of another certificate" QuellCertificateRejected
stop tls
echo "[{\"targets\": [\"127.0.0.1:$operator\"]}]" >"$home/targets.json"

stop traffic
expect "the platform stops asking" QuellNoCallbacks

curl -s "http://127.0.0.1:$callbacks$(signed 45)" -d '{}' >/dev/null
expect "a clock that is ahead" QuellClockSkew

stop node -KILL
expect "a killed node" QuellDown
for _ in 1 2 3; do
  node
  ready "$operator" ready
  sleep 4
  stop node -KILL
done
node
expect "a node that keeps dying" QuellRestarts

all=$(grep -o 'alert: Quell[A-Za-z]*' "$here/quell.rules.yaml" | cut -d' ' -f2 | sort)
drilled=$(grep -Eo '^expect .* Quell[A-Za-z]+$' "${BASH_SOURCE[0]}" | grep -o 'Quell[A-Za-z]*$' | sort -u)
if [[ $all != "$drilled" ]]; then
  row FAIL "alerts without a drill" "$(comm -23 <(echo "$all") <(echo "$drilled") | tr '\n' ' ')"
  failed=1
fi
exit "$failed"
