#!/usr/bin/env bash
# Makes the signing key of a local suite's bearer tokens and a token for each sample person, with nothing but openssl.
#
#   deploy/pki/make-tokens.sh [FOLDER]  FOLDER: var unless given
#
# FOLDER/pki/{jwks.json,token-signing.key} and FOLDER/tokens/PERSON. A token lasts four weeks and is made anew when less than a
# week is left. The claims are those of libs/access/tokens.h.
set -euo pipefail
umask 077

folder=${1:-$(dirname "$0")/../../var}
day=$((24 * 60 * 60))
now=$(date +%s)
mkdir -p "$folder/pki" "$folder/tokens"
cd "$folder"

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

if [[ ! -f pki/token-signing.key ]]; then
  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out pki/token-signing.key.new
  mv pki/token-signing.key.new pki/token-signing.key
fi
modulus=$(openssl rsa -in pki/token-signing.key -noout -modulus | sed 's/^Modulus=//')
key_id=$(printf '%s' "$modulus" | sha256sum | cut -c 1-16)
# The modulus as bytes: every two hexadecimal digits become \xNN, which printf writes.
n=$(printf '%b' "$(printf '%s' "$modulus" | sed 's/../\\x&/g')" | base64url)
jwks='{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"'$key_id'","n":"'$n'","e":"AQAB"}]}'
if [[ "$(cat pki/jwks.json 2>/dev/null)" != "$jwks" ]]; then
  printf '%s\n' "$jwks" >pki/jwks.json.new
  mv pki/jwks.json.new pki/jwks.json
fi
header=$(printf '{"alg":"RS256","typ":"JWT","kid":"%s"}' "$key_id" | base64url)

# token PERSON ROLE "DISPLAY NAME": tokens/PERSON, unless the one there says the same and lasts.
token() {
  local person=$1 role=$2 display_name=$3
  local who='"sub":"'$person'","name":"'$display_name'","section55_roles":["'$role'"]'
  local old_header old_claims expiry
  if IFS=. read -r old_header old_claims _ 2>/dev/null <"tokens/$person" && [[ "$old_header" == "$header" ]]; then
    old_claims=$(tr '_-' '/+' <<<"$old_claims==" | base64 -d 2>/dev/null || true)
    expiry=$(sed -n 's/.*"exp":\([0-9]*\).*/\1/p' <<<"$old_claims")
    if [[ "$old_claims" == *"$who"* && "${expiry:-0}" -gt $((now + 7 * day)) ]]; then
      return
    fi
  fi
  local claims signature
  claims=$(printf '{"iss":"https://section55.local","aud":"section55",%s,"iat":%d,"exp":%d}' \
    "$who" "$now" $((now + 28 * day)) | base64url)
  signature=$(printf '%s.%s' "$header" "$claims" | openssl dgst -sha256 -sign pki/token-signing.key | base64url)
  printf '%s.%s.%s\n' "$header" "$claims" "$signature" >"tokens/$person.new"
  mv "tokens/$person.new" "tokens/$person"
}

token registrar registrar "Sample registrar"
token auditor auditor "Sample auditor"
token operator operator "Sample operator"
for area in norfolk suffolk; do
  token "$area-author" "author@bodies/$area-pcc" "Sample author, ${area^}"
  token "$area-approver" "approver@bodies/$area-pcc" "Sample approver, ${area^}"
  token "$area-chief-officer" "chief-officer@forces/$area" "Sample chief officer, ${area^}"
done
