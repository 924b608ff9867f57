# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# What up and down share: where the cloud lives, and how its services are started and stopped.
# Everything listens on 127.0.0.1 and on ports of its own, so that the cloud runs beside a
# Glance or a Ceph that is there already. The passwords guard nothing beyond this machine.

CLOUD_DIR=${CLOUD_DIR:-/var/tmp/glance-intake-cloud}

KEYSTONE_PORT=15000
MEMCACHED_PORT=15211
GLANCE_PORT=19393       # under eventlet
GLANCE_UWSGI_PORT=19395 # the same, as Debian's service runs it
S3_PORT=17480
MON_PORT=13300
OSD_PORTS_FROM=16800
OSD_PORTS_TO=16899
PROXY_PORT=19292 # the catalog's image endpoint: clients never see Glance itself
ADMIN_PORT=19294
WEB_PORT=19480 # the one that web-download may fetch from; a test that needs a server starts it

KEYSTONE_URL=http://127.0.0.1:$KEYSTONE_PORT/v3
GLANCE_URL=http://127.0.0.1:$GLANCE_PORT
GLANCE_UWSGI_URL=http://127.0.0.1:$GLANCE_UWSGI_PORT
S3_URL=http://127.0.0.1:$S3_PORT
PROXY_URL=http://127.0.0.1:$PROXY_PORT
REGION=RegionOne
ADMIN_PASSWORD=cloudadmin
DEMO_PASSWORD=clouddemo
GLANCE_PASSWORD=cloudglance
S3_OWNER=glance
S3_ACCESS_KEY=CLOUDACCESSKEY
S3_SECRET_KEY=cloudsecretkey
S3_BUCKET=glance-storage

SERVICES=(mon osd rgw memcached keystone)  # in the order they start
REGION_SERVICES=(glance glance-uwsgi)      # of each region
export CEPH_CONF=$CLOUD_DIR/etc/ceph.conf

# region_two COMMAND...: runs COMMAND for the second region. It has what two tests at a time must not share: Glance with
# its database, its file store and its bucket, and the ports of the proxy. Its files are laid out as those of the first.
region_two() {
    local CLOUD_DIR=$CLOUD_DIR/region-two REGION=RegionTwo
    local GLANCE_PORT=$((GLANCE_PORT + 1000)) GLANCE_UWSGI_PORT=$((GLANCE_UWSGI_PORT + 1000))
    local PROXY_PORT=$((PROXY_PORT + 1000)) ADMIN_PORT=$((ADMIN_PORT + 1000)) WEB_PORT=$((WEB_PORT + 1000))
    local GLANCE_URL=http://127.0.0.1:$GLANCE_PORT GLANCE_UWSGI_URL=http://127.0.0.1:$GLANCE_UWSGI_PORT
    local PROXY_URL=http://127.0.0.1:$PROXY_PORT
    local S3_OWNER=glance-two S3_ACCESS_KEY=CLOUDACCESSKEYTWO S3_SECRET_KEY=cloudsecretkeytwo S3_BUCKET=glance-storage-two
    "$@"
}

die() {
    printf 'cloud: %s\n' "$*" >&2
    exit 1
}

# A pid may be used again, a pid with its start time (field 22 of proc(5) stat) may not. The
# name in field 2 may hold blanks and parentheses: everything up to the last ')' goes first. A
# zombie (field 3) is as good as gone.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# pid_of NAME: prints the pid of a service of this cloud; fails when it does not run.
pid_of() {
    local pid since
    read -r pid since 2>/dev/null <"$CLOUD_DIR/run/$1.pid" || return 1
    [ -n "$since" ] && [ "$(started_at "$pid")" = "$since" ] && echo "$pid"
}

# start NAME COMMAND...: unless it runs. In a session of its own, so that its children can be
# reached through the process group, and without the lock of `up` (descriptor 9).
start() {
    local name=$1 pid
    shift
    pid_of "$name" >/dev/null && return
    setsid "$@" >>"$CLOUD_DIR/log/$name.out" 2>&1 </dev/null 9>&- &
    pid=$!
    echo "$pid $(started_at "$pid")" >"$CLOUD_DIR/run/$name.pid"
}

# wait_for SECONDS NAME CHECK...: until CHECK succeeds; the script ends if NAME dies first.
wait_for() {
    local deadline=$((SECONDS + $1)) name=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        pid_of "$name" >/dev/null || die "$name has died: see $CLOUD_DIR/log/$name.out"
        [ "$SECONDS" -lt "$deadline" ] || die "$name does not answer: see $CLOUD_DIR/log/$name.out"
        sleep 0.2
    done
}

# stop NAME: asks politely, then, after 20 seconds, does not; what is left of its group goes too.
stop() {
    local pid tries
    if pid=$(pid_of "$1"); then
        kill "$pid"
        for ((tries = 0; tries < 100; tries++)); do
            pid_of "$1" >/dev/null || break
            sleep 0.2
        done
        if kill -0 -- "-$pid" 2>/dev/null; then kill -9 -- "-$pid"; fi
    fi
    rm -f "$CLOUD_DIR/run/$1.pid"
}

# render FILE [AS]: conf/FILE.in into the cloud's etc/, each @NAME@ replaced by the variable NAME. Who reads the file
# meanwhile (`up` may be called by a test of the other region) gets the old one.
render() {
    local text name to=$CLOUD_DIR/etc/${2:-$1}
    text=$(<"$HERE/conf/$1.in")
    for name in $(grep -o '@[A-Z0-9_]*@' <<<"$text" | sort -u | tr -d @); do
        text=${text//@$name@/${!name}}
    done
    printf '%s\n' "$text" >"$to.new"
    mv "$to.new" "$to"
}
