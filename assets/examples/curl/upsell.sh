#!/bin/sh
# Two agents and one customer, with nothing but curl. Support knows something that sales has not read yet.
# Tokens are files with one header line, as `deeds tokens create` writes them; curl sends it with -H @FILE.
set -eu
deeds=${DEEDS_URL:-http://127.0.0.1:4170}
account=crm/account/${ACCOUNT:-acme}

# ask AGENT METHOD PATH [BODY]: every command is answered with an outcome, a refusal too.
ask() {
  curl -sS --fail-with-body -X "$2" -H "@$1.token" "$deeds$3" ${4:+-d "$4"}
  echo
}
# What we need of answers, without a parser of JSON: a text, and the version of the health.
text() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
version() { sed -n 's/.*"health":{[^}]*"version":\([0-9]*\).*/\1/p'; }

# Support says how the customer is. `expected` is the version that the writer saw; 0: never written.
ask support POST /v1/writes "{\"entity\": \"$account\", \"changes\": {\"health\": \"good\"}, \"expected\": {\"health\": 0}}"

# Sales reads the record, and remembers which version it has seen.
seen=$(ask sales GET "/v1/entities/$account" | version)
echo "sales has read health v$seen"

# Meanwhile the customer complains.
ask support POST /v1/writes "{\"entity\": \"$account\", \"changes\": {\"health\": \"at risk\"}, \"expected\": {\"health\": 1}}"

# Sales asks before it mails, and says what that is based on. The answer is `stale`: what it read is no longer so.
act() {
  echo "{\"target\": \"mail/sales\", \"subject\": \"$account\", \"action\": \"send_upsell\", \"depends_on\": {\"$account#health\": $1}}"
}
answer=$(ask sales POST /v1/acts "$(act "$seen")")
echo "$answer"

# `next` says what to do now: read again, and decide again. Sales then plans a call, on the health of now.
if [ "$(echo "$answer" | text outcome)" = stale ]; then
  echo "next: $(echo "$answer" | text next)"
  now=$(ask sales GET "/v1/entities/$account" | version)
  ask sales POST /v1/writes "{\"entity\": \"$account\", \"changes\": {\"next_step\": \"call, sell nothing\"},
    \"expected\": {\"next_step\": 0}, \"depends_on\": {\"$account#health\": $now}}"
fi

# The health is not sales' to write: such a change is no error, it waits in support's work as a proposal.
ask sales POST /v1/writes "{\"entity\": \"$account\", \"changes\": {\"health\": \"good\"}, \"expected\": {\"health\": 2}}"
ask support GET /v1/work
