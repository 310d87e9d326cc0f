#include "libs/access/tokens.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/base64.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/status.h"

namespace section55::access {
namespace {

using nlohmann::json;

constexpr size_t kMaxTokenSize = 8192;
constexpr size_t kMaxCachedTokens = 4096;
constexpr size_t kMaxSubjectSize = 255;  // OpenID Connect Core, section 2
constexpr int kMinRsaBits = 2048;
constexpr size_t kP256Bytes = 32;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedNumber = Owned<BIGNUM, BN_free>;

// The algorithm belongs to the key, never to the token's header: a token cannot choose how it is checked.
enum class Algorithm { kRs256, kEs256 };

struct Key {
  Algorithm algorithm;
  std::shared_ptr<EVP_PKEY> key;
};
using Keys = absl::flat_hash_map<std::string, Key>;

absl::Status Refused(std::string_view why) {
  return base::Error(absl::StatusCode::kUnauthenticated, "TOKEN_REFUSED", fmt::format("the bearer token is {}", why));
}

// A JSON object without a name that occurs twice in one object: readers differ on which of the two counts.
std::optional<json> ParseObject(std::string_view text) {
  std::vector<std::set<std::string>> names;
  bool twice = false;
  const json::parser_callback_t check = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) {
      names.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      names.pop_back();
    } else if (event == json::parse_event_t::key) {
      twice |= !names.back().insert(parsed.get<std::string>()).second;
    }
    return true;
  };
  json object = json::parse(text, check, /*allow_exceptions=*/false);
  if (twice || !object.is_object()) {
    return std::nullopt;
  }
  return object;
}

// The text under `name`, or nothing when it is absent or no text.
const std::string* TextOf(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

std::optional<std::string> BytesOf(const json& object, const char* name) {
  const std::string* text = TextOf(object, name);
  return text == nullptr ? std::nullopt : base::Base64UrlDecode(*text);
}

OwnedNumber NumberOf(const std::string& big_endian) {
  return OwnedNumber(BN_bin2bn(reinterpret_cast<const unsigned char*>(big_endian.data()),
                               static_cast<int>(big_endian.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> MakeKey(const char* type, OSSL_PARAM_BLD* parts) {
  const Owned<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(parts));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free);
}

absl::StatusOr<Key> ReadRsaKey(const json& jwk) {
  const auto n = BytesOf(jwk, "n");
  const auto e = BytesOf(jwk, "e");
  if (!n || !e) {
    return absl::InvalidArgumentError("n or e is missing or not base64url");
  }
  const OwnedNumber modulus = NumberOf(*n);
  const OwnedNumber exponent = NumberOf(*e);
  if (BN_num_bits(modulus.get()) < kMinRsaBits) {
    return absl::InvalidArgumentError(fmt::format("an RSA key needs at least {} bits", kMinRsaBits));
  }
  // With the exponent 1 every text would sign itself.
  if (!BN_is_odd(exponent.get()) || BN_num_bits(exponent.get()) < 17 || BN_num_bits(exponent.get()) > 32) {
    return absl::InvalidArgumentError("the RSA exponent is not 65537 or a little more");
  }
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> parts(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  auto key = MakeKey("RSA", parts.get());
  if (key == nullptr) {
    return absl::InvalidArgumentError("it is no RSA key");
  }
  return Key{Algorithm::kRs256, std::move(key)};
}

absl::StatusOr<Key> ReadEcKey(const json& jwk) {
  const auto x = BytesOf(jwk, "x");
  const auto y = BytesOf(jwk, "y");
  if (!x || !y || x->size() != kP256Bytes || y->size() != kP256Bytes) {
    return absl::InvalidArgumentError("x or y is missing or not 32 bytes in base64url");
  }
  const std::string point = "\x04" + *x + *y;
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> parts(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  auto key = MakeKey("EC", parts.get());
  if (key == nullptr) {
    return absl::InvalidArgumentError("x and y are no point of the curve P-256");
  }
  return Key{Algorithm::kEs256, std::move(key)};
}

// Keys for another purpose or another algorithm are left out; a key that claims to be ours and is unusable makes the
// file so.
absl::StatusOr<Keys> ReadKeys(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(fmt::format("the key file {} cannot be read", path));
  }
  std::ostringstream text;
  text << file.rdbuf();
  const auto set = ParseObject(text.str());
  if (!set || !set->contains("keys") || !(*set)["keys"].is_array()) {
    return absl::InvalidArgumentError(fmt::format("the key file {} is no JSON Web Key Set", path));
  }
  Keys keys;
  for (const json& jwk : (*set)["keys"]) {
    const std::string* type = TextOf(jwk, "kty");
    const std::string* use = TextOf(jwk, "use");
    const std::string* algorithm = TextOf(jwk, "alg");
    const std::string* curve = TextOf(jwk, "crv");
    if (type == nullptr || (use != nullptr && *use != "sig")) {
      continue;
    }
    const bool rsa = *type == "RSA" && (algorithm == nullptr || *algorithm == "RS256");
    const bool ec =
        *type == "EC" && curve != nullptr && *curve == "P-256" && (algorithm == nullptr || *algorithm == "ES256");
    if (!rsa && !ec) {
      continue;
    }
    const std::string* id = TextOf(jwk, "kid");
    const std::string kid = id == nullptr ? "" : *id;
    auto key = rsa ? ReadRsaKey(jwk) : ReadEcKey(jwk);
    if (!key.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("the key \"{}\" in {} cannot be used: {}", kid, path, std::string(key.status().message())));
    }
    if (!keys.emplace(kid, *std::move(key)).second) {
      return absl::InvalidArgumentError(fmt::format("the key file {} holds two keys named \"{}\"", path, kid));
    }
  }
  if (keys.empty()) {
    return absl::InvalidArgumentError(fmt::format("the key file {} holds no key for RS256 or ES256", path));
  }
  return keys;
}

bool SignatureFits(const Key& key, std::string_view signed_text, std::string signature) {
  if (key.algorithm == Algorithm::kEs256) {
    // JWS writes r and s one after the other, OpenSSL reads them in DER.
    if (signature.size() != 2 * kP256Bytes) {
      return false;
    }
    const Owned<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
    ECDSA_SIG_set0(pair.get(), NumberOf(signature.substr(0, kP256Bytes)).release(),
                   NumberOf(signature.substr(kP256Bytes)).release());
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    if (size <= 0) {
      return false;
    }
    signature.assign(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
  }
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.key.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size()) == 1;
}

// A NumericDate (RFC 7519): seconds since the epoch, perhaps with a fraction.
std::optional<absl::Time> TimeOf(const json& value) {
  constexpr double kYear9999 = 253402300799;
  if (!value.is_number()) {
    return std::nullopt;
  }
  const double seconds = value.get<double>();
  if (!std::isfinite(seconds) || seconds < 0 || seconds > kYear9999) {
    return std::nullopt;
  }
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

bool IsSubject(const std::string& text) {
  return !text.empty() && text.size() <= kMaxSubjectSize &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool IsFor(const json& claims, const std::string& audience) {
  const auto aud = claims.find("aud");
  if (aud == claims.end()) {
    return false;
  }
  if (aud->is_array()) {
    return std::find(aud->begin(), aud->end(), json(audience)) != aud->end();
  }
  return *aud == audience;
}

// The grant that a claim such as "author@bodies/norfolk-pcc" stands for; nothing when it makes no sense.
std::optional<Grant> GrantOf(std::string_view claim) {
  const size_t at = claim.find('@');
  const Role role = RoleFromClaim(claim.substr(0, at));
  if (role == common::v1::AccessRule::ROLE_UNSPECIFIED) {
    return std::nullopt;
  }
  const std::string_view on = at == std::string_view::npos ? std::string_view() : claim.substr(at + 1);
  if (ReachOf(role) == Reach::kNational) {
    return at == std::string_view::npos ? std::optional(Grant{role, ""}) : std::nullopt;
  }
  const std::string_view collection = ReachOf(role) == Reach::kBody ? "bodies/" : "forces/";
  if (on.substr(0, collection.size()) != collection || !base::IsResourceId(on.substr(collection.size()))) {
    return std::nullopt;
  }
  return Grant{role, std::string(on)};
}

// What makes one version of a file another than the last, without reading it.
struct Version {
  int64_t seconds = 0;
  int64_t nanos = 0;
  int64_t size = -1;
  uint64_t inode = 0;
  bool operator==(const Version&) const = default;
};

Version VersionOf(const std::string& path) {
  struct stat facts = {};
  if (stat(path.c_str(), &facts) != 0) {
    return {};
  }
  return {facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_size, facts.st_ino};
}

class JwksVerifier : public TokenVerifier {
 public:
  JwksVerifier(const Options& options, std::shared_ptr<const Keys> keys, Version version)
      : options_(options), keys_(std::move(keys)), version_(version) {}

  absl::StatusOr<std::shared_ptr<const Identity>> Verify(std::string_view token, absl::Time now) override {
    std::shared_ptr<const Keys> keys;
    {
      absl::MutexLock lock(&mutex_);
      RereadIfChanged(now);
      if (const auto found = verified_.find(absl::string_view(token.data(), token.size())); found != verified_.end()) {
        RETURN_IF_ERROR(CheckTime(found->second, now));
        return found->second.identity;
      }
      keys = keys_;
    }
    ASSIGN_OR_RETURN(Verified verified, VerifyNew(*keys, token, now));
    absl::MutexLock lock(&mutex_);
    // Not remembered when the keys were read anew in the meantime: its key may have gone.
    if (keys == keys_) {
      MakeRoom(now);
      verified_.emplace(std::string(token), verified);
    }
    return verified.identity;
  }

 private:
  struct Verified {
    std::shared_ptr<const Identity> identity;
    absl::Time not_before;
    absl::Time expires;
  };

  absl::Status CheckTime(const Verified& verified, absl::Time now) const {
    if (now >= verified.expires + options_.leeway) {
      return Refused("expired");
    }
    if (now < verified.not_before - options_.leeway) {
      return Refused("not yet valid");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Verified> VerifyNew(const Keys& keys, std::string_view token, absl::Time now) const {
    const absl::Status malformed = Refused("malformed");
    const size_t first = token.find('.');
    const size_t second = token.find('.', first == std::string_view::npos ? first : first + 1);
    if (token.size() > kMaxTokenSize || second == std::string_view::npos) {
      return malformed;
    }
    const auto header_text = base::Base64UrlDecode(token.substr(0, first));
    const auto claims_text = base::Base64UrlDecode(token.substr(first + 1, second - first - 1));
    const auto signature = base::Base64UrlDecode(token.substr(second + 1));
    if (!header_text || !claims_text || !signature) {
      return malformed;
    }
    const auto header = ParseObject(*header_text);
    // `crit` says that the token must not be accepted by who does not know the extensions it lists; we know none.
    if (!header || header->contains("crit") || (header->contains("kid") && TextOf(*header, "kid") == nullptr)) {
      return malformed;
    }
    const std::string* kid = TextOf(*header, "kid");
    const auto key = keys.find(kid == nullptr ? "" : *kid);
    if (key == keys.end()) {
      return Refused("signed by an unknown key");
    }
    const std::string* algorithm = TextOf(*header, "alg");
    if (algorithm == nullptr || *algorithm != (key->second.algorithm == Algorithm::kRs256 ? "RS256" : "ES256") ||
        !SignatureFits(key->second, token.substr(0, second), *signature)) {
      return Refused("not signed as its key demands");
    }
    const auto claims = ParseObject(*claims_text);
    if (!claims) {
      return malformed;
    }
    return ReadClaims(*claims, now);
  }

  absl::StatusOr<Verified> ReadClaims(const json& claims, absl::Time now) const {
    const std::string* subject = TextOf(claims, "sub");
    const auto expires = TimeOf(claims.value("exp", json()));
    const auto not_before = claims.contains("nbf") ? TimeOf(claims["nbf"]) : absl::InfinitePast();
    const json roles = claims.value("section55_roles", json::array());
    if (subject == nullptr || !IsSubject(*subject) || !expires || !not_before || !roles.is_array()) {
      return Refused("malformed");
    }
    const std::string* issuer = TextOf(claims, "iss");
    if (issuer == nullptr || *issuer != options_.issuer) {
      return Refused("from the wrong issuer");
    }
    if (!IsFor(claims, options_.audience)) {
      return Refused("for the wrong audience");
    }
    auto identity = std::make_shared<Identity>();
    identity->kind = Identity::Kind::kPerson;
    identity->actor = "people/" + *subject;
    if (const std::string* name = TextOf(claims, "name")) {
      identity->display_name = *name;
    }
    for (const json& claim : roles) {
      const auto* text = claim.get_ptr<const std::string*>();
      if (auto grant = text == nullptr ? std::nullopt : GrantOf(*text)) {
        identity->grants.push_back(*std::move(grant));
      }
    }
    Verified verified{std::move(identity), *not_before, *expires};
    RETURN_IF_ERROR(CheckTime(verified, now));
    return verified;
  }

  void RereadIfChanged(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (now >= looked_ && now < looked_ + absl::Seconds(1)) {
      return;
    }
    looked_ = now;
    const Version version = VersionOf(options_.jwks_path);
    if (version == version_) {
      return;
    }
    version_ = version;
    auto keys = ReadKeys(options_.jwks_path);
    if (!keys.ok()) {
      // Half a file while it is being written, or a mistake: the keys that worked go on working.
      base::Log(base::Severity::kWarning, "the old token keys stay in use",
                {{"error", std::string_view(keys.status().message().data(), keys.status().message().size())}});
      return;
    }
    keys_ = std::make_shared<const Keys>(*std::move(keys));
    verified_.clear();  // a key taken out of the file verifies nothing any more
  }

  void MakeRoom(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (verified_.size() < kMaxCachedTokens) {
      return;
    }
    absl::erase_if(verified_, [&](const auto& entry) { return !CheckTime(entry.second, now).ok(); });
    if (verified_.size() >= kMaxCachedTokens) {
      verified_.clear();
    }
  }

  const Options options_;
  absl::Mutex mutex_;
  std::shared_ptr<const Keys> keys_ ABSL_GUARDED_BY(mutex_);
  Version version_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::flat_hash_map<std::string, Verified> verified_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<TokenVerifier>> TokenVerifier::Create(const Options& options) {
  if (options.issuer.empty() || options.audience.empty()) {
    return absl::InvalidArgumentError("bearer tokens need an issuer and an audience to be checked against");
  }
  const Version version = VersionOf(options.jwks_path);
  ASSIGN_OR_RETURN(Keys keys, ReadKeys(options.jwks_path));
  return std::make_unique<JwksVerifier>(options, std::make_shared<const Keys>(std::move(keys)), version);
}

}  // namespace section55::access
