// Bearer tokens of people: JWS compact serialisation, RS256 or ES256, keys from a JWKS file.
//
// Claims read: iss and aud (must equal the configured ones; aud may be a list that contains it), sub (required, at most
// 255 visible ASCII characters), exp (required), nbf (optional), name (optional) and `section55_roles`: a list of
// "ROLE" for a national role or "ROLE@bodies/ID", "ROLE@forces/ID", for example
// ["author@bodies/norfolk-pcc", "registrar"]. An unknown role grants nothing and is ignored. Any other algorithm,
// "none" above all, is refused, as is a key whose type does not fit the algorithm of the header.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/access/identity.h"

namespace section55::access {

// Thread-safe. Verified tokens are remembered until they expire (bounded in number), so that a caller's second call
// costs a look-up.
class TokenVerifier {
 public:
  struct Options {
    std::string jwks_path;
    std::string issuer;
    std::string audience;
    // Allowed difference between our clock and the issuer's.
    absl::Duration leeway = absl::Seconds(30);
  };

  // Reads the key file; one sentence for the operator when it is missing or unusable.
  static absl::StatusOr<std::unique_ptr<TokenVerifier>> Create(const Options& options);
  virtual ~TokenVerifier() = default;

  // The identity of the token's bearer. `now` is the real time, never a driven clock's. UNAUTHENTICATED with a message
  // that says no more than malformed, unknown key, bad signature, expired, not yet valid, wrong issuer or audience. The
  // key file is read again when it has changed (looked at once a second at most): a new key works and a removed one
  // stops working without a restart. An unusable new file leaves the old keys in use and says so in the log.
  virtual absl::StatusOr<std::shared_ptr<const Identity>> Verify(std::string_view token, absl::Time now) = 0;
};

}  // namespace section55::access
