#!/usr/bin/env bash
# A whole cluster on one machine, to try it: a PostgreSQL primary, its synchronous standby, and nodes of `deeds serve` on both.
#
#   cluster.sh up DIR        starts what does not run; the first time it makes everything, below DIR, which is empty or not there
#   cluster.sh status DIR    says what runs; exit status 1 where something does not
#   cluster.sh promote DIR   the standby takes the primary's place, and a new standby is made in the old one's
#   cluster.sh down DIR      ends everything; `up` goes on with it, `rm -r DIR` takes it away
#
# DEEDS_PROGRAM is the program (deeds). At the first `up` DEEDS_CLUSTER_PORT is the first node's port (4170; the others follow, the
# database has it + 10 and + 11), DEEDS_CLUSTER_NODES how many there are (3). Debian's package `postgresql` has what it needs. All of
# it listens on loopback only. As root the database runs under the account `postgres`, which must be able to enter DIR.
set -euo pipefail

die() { printf 'cluster.sh: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }

[ $# = 2 ] || usage
dir=$(realpath -m -- "$2")
program=$(command -v -- "${DEEDS_PROGRAM:-deeds}") || die "there is no program deeds in PATH; name it with DEEDS_PROGRAM"
if initdb=$(command -v initdb); then
    bin=$(dirname -- "$(realpath -- "$initdb")")
else
    bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
fi
[ -x "$bin/initdb" ] || die "PostgreSQL's programs are not here: apt-get install postgresql"

# By which it is known that everything in a directory is ours.
mark=$dir/cluster
# PostgreSQL runs as no root.
database() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
cd /

read_mark() {
    [ -f "$mark" ] || die "$dir has no cluster; make one with: cluster.sh up DIR"
    read -r port nodes <"$mark"
    primary=$(cat "$dir/primary")
    [[ "$port $nodes $primary" =~ ^[0-9]+\ [0-9]+\ [12]$ ]] || die "$dir is damaged"
    standby=$((3 - primary))
}

# The port of a server of the database, and of a node.
db_port() { echo $((port + 9 + $1)); }
node_port() { echo $((port - 1 + $1)); }

pg_ctl() { database "$bin/pg_ctl" -s -D "$dir/db-$1/data" "${@:2}"; }
db_runs() { pg_ctl "$1" status >/dev/null 2>&1; }
db_up() { db_runs "$1" || pg_ctl "$1" -w -l "$dir/db-$1/log" -o "-p $(db_port "$1")" start; }
db_down() { for n in "$primary" "$standby"; do ! db_runs "$n" || pg_ctl "$n" -m fast -w stop; done; }
psql() { PGPASSFILE=$dir/db-$1/pass database "$bin/psql" -h 127.0.0.1 -p "$(db_port "$1")" -U deeds -d "$2" -Atc "$3"; }
in_step() {
    [ "$(psql "$primary" postgres "select count(*) from pg_stat_replication where sync_state = 'sync'")" = 1 ]
}

# Makes the standby a copy of the primary, which follows it.
copy() {
    [ ! -L "$dir/db-$standby" ] || die "$dir/db-$standby is a link"
    rm -rf -- "$dir/db-$standby/data"
    local pass=$dir/db-$standby/pass
    database "$bin/pg_basebackup" -R -X stream -c fast -D "$dir/db-$standby/data" \
        -d "host=127.0.0.1 port=$(db_port "$primary") user=deeds application_name=standby passfile='$pass'"
    db_up "$standby"
    for _ in $(seq 300); do in_step && return; sleep 0.1; done
    die "the standby does not follow; $dir/db-$standby/log says why"
}

# Directories, a password that everybody here shares, and the first server.
make() {
    [ ! -e "$dir" ] || [ -z "$(ls -A "$dir")" ] || die "$dir has something else in it; name an empty directory"
    mkdir -p "$dir"
    database test -x "$dir" || die "the account postgres can't enter $dir; put it elsewhere, or chmod a+x what is above it"
    port=${DEEDS_CLUSTER_PORT:-4170} nodes=${DEEDS_CLUSTER_NODES:-3} primary=1 standby=2
    # What was not finished does not go on.
    trap 'db_down' EXIT
    local password
    password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && echo "$password" >"$dir/password")
    for n in 1 2; do
        mkdir -m 700 "$dir/db-$n"
        (umask 077 && echo "127.0.0.1:*:*:deeds:$password" >"$dir/db-$n/pass" && echo "$password" >"$dir/db-$n/word")
        [ "$(id -u)" != 0 ] || chown -R postgres: "$dir/db-$n"
    done
    for n in $(seq "$nodes"); do mkdir -m 700 "$dir/node-$n"; done
    database "$bin/initdb" -D "$dir/db-1/data" -U deeds -A scram-sha-256 --pwfile="$dir/db-1/word" -E UTF8 --locale=C >/dev/null
    # `-a` appends, under the account whose file it is.
    printf '%s\n' "listen_addresses = '127.0.0.1'" "unix_socket_directories = ''" "wal_keep_size = 256MB" \
        "synchronous_standby_names = 'standby'" | database tee -a "$dir/db-1/data/postgresql.conf" >/dev/null
    echo 1 >"$dir/primary"
    db_up 1
    copy
    psql 1 postgres 'create database deeds'
    echo "$port $nodes" >"$mark"
    trap - EXIT
}

# Whether the process of the pid file is this node, and no other that has its number by now.
node_runs() {
    local pid
    pid=$(cat "$dir/node-$1/pid" 2>/dev/null) || return 1
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "$dir/node-$1/data"
}

# What a node answers to whoever asks whether it is ready.
node_ready() {
    local line
    (exec 3<>"/dev/tcp/127.0.0.1/$(node_port "$1")" && printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3 &&
        read -r -t 5 line <&3 && [[ $line == *' 200 '* ]]) 2>/dev/null
}

node_up() {
    node_runs "$1" && return
    local at=$dir/node-$1
    DEEDS_CLUSTER_ADVERTISE=http://127.0.0.1:$(node_port "$1") \
        DEEDS_LEDGER_ENGINE=postgres DEEDS_LEDGER_POSTGRES_PASSWORD_FILE=$dir/password DEEDS_LEDGER_POSTGRES_STANDBYS=1 \
        DEEDS_LEDGER_POSTGRES="postgresql://deeds@127.0.0.1:$(db_port 1),127.0.0.1:$(db_port 2)/deeds?target_session_attrs=read-write" \
        nohup "$program" serve --listen "127.0.0.1:$(node_port "$1")" --data-dir "$at/data" </dev/null >"$at/out" 2>>"$at/log" &
    local pid=$!
    echo "$pid" >"$at/pid"
    for _ in $(seq 600); do
        node_ready "$1" && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    die "node $1 does not get ready; $at/log says why"
}

node_down() {
    node_runs "$1" || return 0
    kill "$(cat "$dir/node-$1/pid")"
    for _ in $(seq 100); do node_runs "$1" || return 0; sleep 0.1; done
    kill -9 "$(cat "$dir/node-$1/pid")"
}

up() {
    [ -f "$mark" ] || make
    read_mark
    db_up "$primary"
    db_up "$standby"
    for n in $(seq "$nodes"); do node_up "$n"; done
    status
}

status() {
    local well=0 what n
    for n in "$primary" "$standby"; do
        what=standby
        [ "$n" = "$standby" ] || what=primary
        if db_runs "$n"; then
            echo "db-$n    127.0.0.1:$(db_port "$n")  $what"
        else
            echo "db-$n    $what, does not run" && well=1
        fi
    done
    in_step 2>/dev/null || { echo "no standby is in step: nothing is recorded" && well=1; }
    for n in $(seq "$nodes"); do
        if node_ready "$n"; then
            echo "node-$n  http://127.0.0.1:$(node_port "$n")  ready"
        else
            echo "node-$n  http://127.0.0.1:$(node_port "$n")  not ready" && well=1
        fi
    done
    return "$well"
}

promote() {
    db_runs "$standby" || die "the standby does not run"
    # Where it still runs it must not go on beside the new one.
    ! db_runs "$primary" || pg_ctl "$primary" -m fast -w stop
    pg_ctl "$standby" -w promote
    echo "$standby" >"$dir/primary"
    read_mark
    copy
    echo "db-$primary is the primary, db-$standby its standby"
}

down() {
    for n in $(seq "$nodes"); do node_down "$n"; done
    db_down
}

case $1 in
up) up ;;
status | promote | down) read_mark && "$1" ;;
*) usage ;;
esac
