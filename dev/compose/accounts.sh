#!/bin/bash
# Run by the image of MariaDB on its first start: a database and a user of its own for each service that has one.
set -euo pipefail
for service in users orders payment; do
  docker_process_sql <<SQL
CREATE DATABASE $service CHARACTER SET utf8mb4;
CREATE USER $service@'%' IDENTIFIED BY '$SERVICES_PASSWORD';
GRANT ALL PRIVILEGES ON $service.* TO $service@'%';
SQL
done
