#!/bin/sh
# Sentinel rewrites its own file, so that it gets one in memory.
set -eu
cat > /data/sentinel.conf <<'CONF'
port 26379
dir /data
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel monitor limits redis 6379 2
sentinel down-after-milliseconds limits 1000
sentinel failover-timeout limits 5000
CONF
exec redis-server /data/sentinel.conf --sentinel
