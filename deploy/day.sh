#!/bin/bash
# An administrator's day, from beginning to end, in a fresh folder that is removed afterwards:
# install, log in, import a tile, publish, back up, destroy, restore, update from an older version's data.
#
#   deploy/day.sh TILE [OLD]
#
# TILE: a CityGML file of buildings.  OLD: a commit of the older version; without, that step is left out.
# DAY_INSTALL: a folder with bin/lobeda, to leave the installation out.  DAY_KEEP=1: leave the folder there.
set -euo pipefail

tile=$(realpath "$1")
old=${2:-}
source=$(realpath "$(dirname "$0")/..")
day=$(mktemp -d -t lobeda-day-XXXXXX)
port=${DAY_PORT:-5050}
url=http://127.0.0.1:$port
password='eine lange Tür aus Holz'
server=

end() {
    code=$?
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$old" ] || git -C "$source" worktree remove --force "$day/old" 2>/dev/null || true
    [ -n "${DAY_KEEP:-}" ] || rm -rf "$day"
    exit $code
}
trap end EXIT

say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }
fail() { echo "day.sh: $*" >&2; exit 1; }

# LOBEDA_DATA is where everything lies; a command of the version in use.
export LOBEDA_DATA=$day/data LOBEDA_CACHE=$day/cache LOBEDA_URL=$url LOBEDA_CONTENT=$day/data/content
run() { "$bin/lobeda" "$@"; }

serve() { # DISTRICT: until it answers
    curl -s "$url/healthz" >/dev/null && fail "something answers on port $port already; name another: DAY_PORT"
    "$bin/lobeda" serve "$1" --port "$port" --log-json >>"$day/log" 2>&1 &  # not by run(): its process is wanted
    server=$!
    for _ in $(seq 3000); do
        kill -0 "$server" 2>/dev/null || fail "the server ended: $(tail -3 "$day/log")"
        curl -sf "$url/readyz" >/dev/null && return
        sleep 0.2
    done
    fail "the server does not answer"
}

stop() { # SIGNAL
    kill "-$1" "$server"
    wait "$server" 2>/dev/null || true
    server=
}

log_in() { # by name and password, and into the manager's app
    rm -f "$day/cookies"
    curl -sf -c "$day/cookies" --data-urlencode name=erika --data-urlencode "password=$password" \
        "$url/login" >/dev/null || fail "nobody can log in"
    curl -sf -b "$day/cookies" "$url/manage" >/dev/null || fail "the manager's app does not open"
}

state() { # what has to be the same again: accounts, tokens, measurements, scenarios, the district
    run accounts list --json
    run accounts tokens list --json
    run sensors token list --json
    run sensors status --json | tr ',' '\n' | grep -E '"(observations|things|datastreams)"' || true
    mkdir -p "$LOBEDA_DATA/scenarios"
    find "$LOBEDA_DATA/scenarios" -name '*.yaml' -not -path '*/.history/*' -exec sha256sum {} + |
        sed "s|$LOBEDA_DATA||" | sort
    run info "$LOBEDA_DATA/district" --json
}

say "Install"
if [ -n "${DAY_INSTALL:-}" ]; then
    bin=$DAY_INSTALL/bin
else
    python3 -m venv "$day/venv"
    "$day/venv/bin/pip" install -q --disable-pip-version-check -c "$source/constraints.txt" "$source"
    bin=$day/venv/bin
fi
mkdir -p "$LOBEDA_DATA" "$LOBEDA_CONTENT"
cat >"$LOBEDA_CONTENT/legal.yaml" <<'LEGAL'
operator:
  name: Gemeinde Talhausen
  address: Kirchgasse 1, 07700 Talhausen
  represented_by: Erika Lindner
  email: rathaus@talhausen.test
  phone: +49 3641 112233
responsible: Max Lindner, Pressestelle
data_protection:
  officer: Ada Vogel, datenschutz@talhausen.test
  basis: {de: Art. 6 Abs. 1 Buchst. e DSGVO}
  authority: {de: Aufsicht des Landes}
  server: {de: Der Webserver vergisst Adressen nach 7 Tagen.}
  backups: {de: Sicherungskopien werden nach 14 Tagen überschrieben.}
accessibility:
  email: barrierefrei@talhausen.test
  enforcement: {de: Durchsetzungsstelle des Landes}
LEGAL

say "Import $(basename "$tile")"
run import "$LOBEDA_DATA/district" --buildings "$tile"

say "An account, a token, measurements"
run serve "$LOBEDA_DATA/district" --host 0.0.0.0 --port "$port" 2>/dev/null && fail "it opens without an account"
printf '%s\n' "$password" | run accounts add erika --role administrator --password-file -
run accounts tokens create lab erika --scope scenarios:read >/dev/null 2>&1
run sensors token create station >/dev/null 2>&1
printf 'Zähler;Von;Bis;Verbrauch kWh\n1;01.01.2023;31.12.2023;100\n1;01.01.2024;31.12.2024;110\n' >"$day/bills.csv"
run sensors import "$day/bills.csv" --district "$LOBEDA_DATA/district"

say "Serve, log in, save a scenario"
serve "$LOBEDA_DATA/district"
log_in
curl -sf -b "$day/cookies" -H "Origin: $url" --data-binary "@$source/scenarios/library/roof-pv.yaml" \
    "$url/manage/scenarios" >/dev/null || fail "the scenario is not taken"

say "Publish"
run publish "$day/site" --district "$LOBEDA_DATA/district" --live
[ -s "$day/site/index.html" ] || fail "nothing was published"

say "Back up while it serves"
run backup "$day/monday.lobeda" --district "$LOBEDA_DATA/district"
state >"$day/before"

say "Destroy"
stop KILL
rm -rf "$LOBEDA_DATA"

say "Restore, and compare"
run restore "$day/monday.lobeda" "$LOBEDA_DATA"
state >"$day/after"
diff "$day/before" "$day/after" || fail "what was restored differs"
serve "$LOBEDA_DATA/district"
log_in
run accounts audit --json | grep -q '"login"' || fail "the record is not there"
stop TERM
grep -q Traceback "$day/log" && fail "the log has an error: $(grep -A5 Traceback "$day/log" | tail -5)"

if [ -n "$old" ]; then
    say "Data of an older version ($old)"
    export LOBEDA_DATA=$day/older
    mkdir "$LOBEDA_DATA"
    git -C "$source" worktree add -q --detach "$day/old" "$old"
    earlier() { (cd "$day/old" && PYTHONPATH=$day/old "$bin/python" -m viewer.cli "$@"); }
    earlier import "$LOBEDA_DATA/district" --buildings "$tile"
    printf '%s\n' "$password" | earlier accounts add erika --role administrator --password-file -
    earlier sensors token create station >/dev/null 2>&1
    earlier sensors import "$day/bills.csv" --district "$LOBEDA_DATA/district"
    earlier backup "$day/older.lobeda" --district "$LOBEDA_DATA/district"

    say "Update in place"
    serve "$LOBEDA_DATA/district"
    log_in
    stop TERM
    state >"$day/updated"
    ls "$LOBEDA_DATA"

    say "Restore the older version's backup"
    export LOBEDA_DATA=$day/older-restored
    run restore "$day/older.lobeda" "$LOBEDA_DATA"
    state >"$day/older-state"
    diff <(sed 's/older-restored/older/g' "$day/older-state") "$day/updated" || fail "the two ways differ"
fi

say "The day is over"
