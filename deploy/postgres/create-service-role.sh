#!/bin/sh
# Runs once, when the volume is new, before any migration: the role of the service, which owns no table.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$LATCHKEY_DATABASE_PASSWORD" <<'SQL'
create role latchkey_app nologin;
create role latchkey_service login password :'password' in role latchkey_app;
SQL
