// An identity provider for tests: keys, a JWKS file and signed tokens.
#pragma once

#include <openssl/evp.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/access/tokens.h"

namespace section55::testing {

// Not thread-safe.
class TokenIssuer {
 public:
  static constexpr char kIssuer[] = "https://issuer.test";
  static constexpr char kAudience[] = "section55";

  // Writes a key set with the keys "rsa" (RS256) and "ec" (ES256) to a temporary file.
  TokenIssuer();
  ~TokenIssuer();
  TokenIssuer(const TokenIssuer&) = delete;

  std::string jwks_path() const { return folder_ / "jwks.json"; }
  access::TokenVerifier::Options options() const;
  // A verifier for these tokens.
  std::unique_ptr<access::TokenVerifier> Verifier() const;

  // A token (ES256) of "people/SUBJECT" with roles such as "author@bodies/norfolk-pcc" or "registrar", valid for an
  // hour from now by the real clock.
  std::string Token(std::string_view subject, const std::vector<std::string>& roles) const;

  // The claims of such a token as JSON, to be changed by a test.
  static std::string Claims(std::string_view subject, const std::vector<std::string>& roles, absl::Time now);
  // Signs any header and claims with the key "rsa" or "ec", by that key's algorithm whatever the header says.
  std::string Sign(std::string_view key, const std::string& header, const std::string& claims) const;
  // {"alg":"RS256","kid":"rsa"} or {"alg":"ES256","kid":"ec"}.
  static std::string Header(std::string_view key);

  // Makes new keys under new names ("rsa-2", "ec-2", ...) and rewrites the file without the old ones; the names are
  // those that Sign takes from then on.
  void Rotate();
  // The public RSA key in PEM form, for the attack that uses it as an HMAC secret.
  std::string RsaPublicPem() const;
  // Replaces the file by any text.
  void WriteFile(const std::string& text) const;
  // What the file says.
  std::string Jwks() const;

 private:
  std::filesystem::path folder_;
  int generation_ = 1;
  std::shared_ptr<EVP_PKEY> rsa_;
  std::shared_ptr<EVP_PKEY> ec_;
};

}  // namespace section55::testing
