#include "libs/testing/tokens.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "libs/base/base64.h"

namespace section55::testing {
namespace {

using nlohmann::json;

constexpr int kRsaBits = 2048;
constexpr int kP256Bytes = 32;

std::shared_ptr<EVP_PKEY> NewRsa() { return {EVP_RSA_gen(kRsaBits), EVP_PKEY_free}; }
std::shared_ptr<EVP_PKEY> NewEc() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

std::string NumberParameter(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return base::Base64UrlEncode(bytes);
}

// DER -> r and s, 32 bytes each.
std::string RawSignature(const std::string& der) {
  const auto* start = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &start, static_cast<long>(der.size()));
  std::string raw(size_t{2} * kP256Bytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, kP256Bytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + kP256Bytes, kP256Bytes);
  ECDSA_SIG_free(pair);
  return raw;
}

}  // namespace

TokenIssuer::TokenIssuer() {
  // A key takes long to make: the first ones are the same for every issuer of a test program.
  static const auto first_rsa = NewRsa();
  static const auto first_ec = NewEc();
  rsa_ = first_rsa;
  ec_ = first_ec;
  std::string folder = std::filesystem::temp_directory_path() / "section55-tokens-XXXXXX";
  folder_ = mkdtemp(folder.data());
  WriteFile(Jwks());
}

TokenIssuer::~TokenIssuer() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

access::TokenVerifier::Options TokenIssuer::options() const {
  access::TokenVerifier::Options options;
  options.jwks_path = jwks_path();
  options.issuer = kIssuer;
  options.audience = kAudience;
  return options;
}

std::unique_ptr<access::TokenVerifier> TokenIssuer::Verifier() const {
  return access::TokenVerifier::Create(options()).value();
}

std::string TokenIssuer::Token(std::string_view subject, const std::vector<std::string>& roles) const {
  const std::string key = generation_ == 1 ? "ec" : fmt::format("ec-{}", generation_);
  return Sign(key, Header(key), Claims(subject, roles, absl::Now()));
}

std::string TokenIssuer::Claims(std::string_view subject, const std::vector<std::string>& roles, absl::Time now) {
  return json{{"iss", kIssuer},
              {"aud", kAudience},
              {"sub", subject},
              {"exp", absl::ToUnixSeconds(now + absl::Hours(1))},
              {"section55_roles", roles}}
      .dump();
}

std::string TokenIssuer::Header(std::string_view key) {
  return json{{"alg", key.starts_with("rsa") ? "RS256" : "ES256"}, {"kid", key}}.dump();
}

std::string TokenIssuer::Sign(std::string_view key, const std::string& header, const std::string& claims) const {
  const std::string text = base::Base64UrlEncode(header) + "." + base::Base64UrlEncode(claims);
  const bool rsa = key.starts_with("rsa");
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, rsa ? rsa_.get() : ec_.get());
  std::array<unsigned char, 1024> signature;
  size_t size = signature.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  EVP_DigestSign(context.get(), signature.data(), &size, bytes, text.size());
  const std::string made(reinterpret_cast<const char*>(signature.data()), size);
  return text + "." + base::Base64UrlEncode(rsa ? made : RawSignature(made));
}

void TokenIssuer::Rotate() {
  rsa_ = NewRsa();
  ec_ = NewEc();
  ++generation_;
  WriteFile(Jwks());
}

std::string TokenIssuer::Jwks() const {
  const std::string suffix = generation_ == 1 ? "" : fmt::format("-{}", generation_);
  std::array<unsigned char, 1 + 2 * kP256Bytes> point;
  size_t size = 0;
  EVP_PKEY_get_octet_string_param(ec_.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size);
  const std::string_view xy(reinterpret_cast<const char*>(point.data()) + 1, size_t{2} * kP256Bytes);
  return json{{"keys",
               {{{"kty", "RSA"},
                 {"use", "sig"},
                 {"kid", "rsa" + suffix},
                 {"n", NumberParameter(rsa_.get(), OSSL_PKEY_PARAM_RSA_N)},
                 {"e", NumberParameter(rsa_.get(), OSSL_PKEY_PARAM_RSA_E)}},
                {{"kty", "EC"},
                 {"crv", "P-256"},
                 {"kid", "ec" + suffix},
                 {"x", base::Base64UrlEncode(xy.substr(0, kP256Bytes))},
                 {"y", base::Base64UrlEncode(xy.substr(kP256Bytes))}}}}}
      .dump();
}

std::string TokenIssuer::RsaPublicPem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PUBKEY(memory.get(), rsa_.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<size_t>(size)};
}

void TokenIssuer::WriteFile(const std::string& text) const {
  // Written beside it and renamed, as an operator should: nobody reads half a file.
  const std::string temporary = jwks_path() + ".new";
  std::ofstream(temporary, std::ios::binary) << text;
  std::filesystem::rename(temporary, jwks_path());
}

}  // namespace section55::testing
