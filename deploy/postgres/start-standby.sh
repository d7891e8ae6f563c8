#!/bin/sh
# Copies the primary into an empty volume, then streams from it. A volume that is there is started as it is: after a promotion
# this server is the primary, and stays it. `-R` writes to the copy where to stream from.
set -eu
data=${PGDATA:-/var/lib/postgresql/data}
if [ ! -s "$data/PG_VERSION" ]; then
  pg_basebackup --pgdata "$data" --checkpoint=fast -R \
    --dbname "host=$PRIMARY port=${PRIMARY_PORT:-5432} user=latchkey_replication application_name=$STANDBY"
  chmod 0700 "$data"
fi
# No password of another server goes to this one's own processes.
unset PGPASSWORD
exec postgres -D "$data" "$@"
