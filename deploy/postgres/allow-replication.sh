#!/bin/sh
# Runs once, when the primary's volume is new: a role that may copy the server and stream from it, and commits that wait for the
# standby from the next start on. Without that no promise of high availability holds (docs/explanation/high-availability.md).
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$LATCHKEY_REPLICATION_PASSWORD" --set standby="ANY 1 ($STANDBY)" <<'SQL'
create role latchkey_replication replication login password :'password';
alter system set synchronous_standby_names = :'standby';
SQL
echo 'host replication latchkey_replication all scram-sha-256' >> "$PGDATA/pg_hba.conf"
