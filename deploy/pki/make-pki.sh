#!/usr/bin/env bash
# Makes the certificate authority of a local suite and a certificate for each service, with nothing but openssl.
#
#   deploy/pki/make-pki.sh [FOLDER]     FOLDER: var/pki unless given
#
# FOLDER/ca.pem, FOLDER/ca.key, and FOLDER/SERVICE/{certificate.pem,key.pem,ca.pem} for each of the four. What exists and is
# good for another 30 days stays as it is, so it can be run as often as one likes.
set -euo pipefail
umask 077

folder=${1:-$(dirname "$0")/../../var/pki}
services=(inspection-registry response-authoring deadline-scheduler publication)
month=$((30 * 24 * 60 * 60))
mkdir -p "$folder"
cd "$folder"

# The certificates say what stands here, whatever the machine's own openssl.cnf says.
config=$(mktemp)
trap 'rm -rf "$config" ./*.new' EXIT
cat >"$config" <<'END'
[req]
prompt = no
distinguished_name = name
[name]
CN = ${ENV::COMMON_NAME}
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[service]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1, URI:spiffe://section55/${ENV::COMMON_NAME}
END

# make NAME KEY CERTIFICATE SECTION DAYS [more of openssl req]: a new P-256 key and its certificate.
make() {
  local key=$2 certificate=$3 section=$4 days=$5
  COMMON_NAME=$1 openssl req -x509 -config "$config" -extensions "$section" -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
    -noenc -sha256 -days "$days" -keyout "$key" -out "$certificate" "${@:6}" 2>"$config.log" || {
    cat "$config.log" >&2
    return 1
  }
  rm -f "$config.log"
  chmod 644 "$certificate"
}

if ! { [[ -f ca.key ]] && openssl x509 -in ca.pem -noout -checkend "$month"; } >/dev/null 2>&1; then
  make "Section 55 local authority" ca.key.new ca.pem.new authority 3650
  mv ca.key.new ca.key
  mv ca.pem.new ca.pem
fi

for service in "${services[@]}"; do
  if openssl verify -CAfile ca.pem "$service/certificate.pem" >/dev/null 2>&1 &&
    openssl x509 -in "$service/certificate.pem" -noout -checkend "$month" >/dev/null; then
    continue
  fi
  # A whole new folder takes the old one's place, so that no key ever stands beside another key's certificate.
  rm -rf "$service.new"
  mkdir "$service.new"
  make "$service" "$service.new/key.pem" "$service.new/certificate.pem" service 825 -CA ca.pem -CAkey ca.key
  cp ca.pem "$service.new/ca.pem"
  rm -rf "$service"
  mv "$service.new" "$service"
done
