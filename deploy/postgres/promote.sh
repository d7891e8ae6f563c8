#!/bin/sh
# Makes this standby the primary, once the old one is stopped or cut off. Commits then wait for no standby: name one in
# synchronous_standby_names as soon as there is one again.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
alter system reset synchronous_standby_names;
select pg_reload_conf();
select pg_promote();
SQL
