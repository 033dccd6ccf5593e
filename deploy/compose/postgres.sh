#!/bin/bash
# Run once by the image of PostgreSQL over an empty data folder: for each service an account and a database of its own,
# which the other accounts cannot connect to. Passwords are read by psql itself, so no process list shows them.
set -euo pipefail

passwords=${CARELOG_PASSWORDS:-/run/carelog}

for service in records scheduling billing referrals notifications; do
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<SQL
\\set password \`cat "$passwords/$service"\`
CREATE ROLE carelog_$service LOGIN PASSWORD :'password';
CREATE DATABASE carelog_$service OWNER carelog_$service;
REVOKE ALL ON DATABASE carelog_$service FROM PUBLIC;
SQL
done
