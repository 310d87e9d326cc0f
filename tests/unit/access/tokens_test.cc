#include "libs/access/tokens.h"

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "libs/base/base64.h"
#include "libs/testing/matchers.h"
#include "libs/testing/tokens.h"

namespace section55::access {
namespace {

using common::v1::AccessRule;
using nlohmann::json;
using section55::testing::IsOk;
using section55::testing::MessageIs;
using section55::testing::StatusIs;
using section55::testing::TokenIssuer;
using ::testing::AllOf;
using ::testing::HasSubstr;

class TokensTest : public ::testing::Test {
 protected:
  std::string Claims(const json& changes = json::object()) {
    json claims = json::parse(TokenIssuer::Claims("ann", {"author@bodies/norfolk-pcc"}, now_));
    claims.merge_patch(changes);
    return claims.dump();
  }
  std::string Signed(const json& changes = json::object()) {
    return issuer_.Sign("ec", TokenIssuer::Header("ec"), Claims(changes));
  }
  auto Verify(const std::string& token) { return verifier_->Verify(token, now_); }
  void ExpectRefused(const std::string& token, const std::string& why) {
    EXPECT_THAT(Verify(token), AllOf(StatusIs(absl::StatusCode::kUnauthenticated), MessageIs(HasSubstr(why))));
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  TokenIssuer issuer_;
  std::unique_ptr<TokenVerifier> verifier_ = issuer_.Verifier();
};

TEST_F(TokensTest, BothAlgorithmsSayWhoTheBearerIs) {
  for (const char* key : {"rsa", "ec"}) {
    const auto ann = Verify(issuer_.Sign(key, TokenIssuer::Header(key), Claims({{"name", "Ann Other"}})));
    ASSERT_THAT(ann, IsOk()) << key;
    EXPECT_EQ((*ann)->kind, Identity::Kind::kPerson);
    EXPECT_EQ((*ann)->actor, "people/ann");
    EXPECT_EQ((*ann)->display_name, "Ann Other");
    EXPECT_TRUE((*ann)->Holds(AccessRule::AUTHOR, "bodies/norfolk-pcc"));
    EXPECT_EQ((*ann)->grants.size(), 1u);
  }
}

TEST_F(TokensTest, RolesThatMakeNoSenseGrantNothing) {
  const auto bob = Verify(Signed(
      {{"section55_roles",
        {"root", "root@bodies/x", "author", "author@", "author@bodies/-", "author@bodies/", "author@forces/norfolk",
         "author@bodies/a/b", "author@bodies/A", "chief-officer@bodies/norfolk-pcc", "registrar@bodies/norfolk-pcc",
         "auditor@", 7, nullptr, "", "@", "chief-officer@forces/norfolk", "operator"}}}));
  ASSERT_THAT(bob, IsOk());
  ASSERT_EQ((*bob)->grants.size(), 2u);
  EXPECT_TRUE((*bob)->Holds(AccessRule::CHIEF_OFFICER, "forces/norfolk"));
  EXPECT_TRUE((*bob)->Holds(AccessRule::OPERATOR, ""));
}

TEST_F(TokensTest, TheAudienceMayBeAList) {
  EXPECT_THAT(Verify(Signed({{"aud", {"other", TokenIssuer::kAudience}}})), IsOk());
  ExpectRefused(Signed({{"aud", {"other"}}}), "wrong audience");
  ExpectRefused(Signed({{"aud", json::array()}}), "wrong audience");
  ExpectRefused(Signed({{"aud", "section55x"}}), "wrong audience");
  ExpectRefused(Signed({{"aud", nullptr}}), "wrong audience");
}

TEST_F(TokensTest, AnotherIssuerIsRefused) {
  ExpectRefused(Signed({{"iss", "https://evil.test"}}), "wrong issuer");
  ExpectRefused(Signed({{"iss", nullptr}}), "wrong issuer");
}

TEST_F(TokensTest, TimesCountWithLeeway) {
  const int64_t now = absl::ToUnixSeconds(now_);
  EXPECT_THAT(Verify(Signed({{"exp", now - 29}})), IsOk());
  ExpectRefused(Signed({{"exp", now - 30}}), "expired");
  EXPECT_THAT(Verify(Signed({{"nbf", now + 30}})), IsOk());
  ExpectRefused(Signed({{"nbf", now + 31}}), "not yet valid");
  ExpectRefused(Signed({{"exp", nullptr}}), "malformed");
  ExpectRefused(Signed({{"exp", "tomorrow"}}), "malformed");
  ExpectRefused(Signed({{"exp", -1}}), "malformed");
  ExpectRefused(Signed({{"exp", 1e300}}), "malformed");
  ExpectRefused(Signed({{"nbf", "yesterday"}}), "malformed");
}

TEST_F(TokensTest, ARememberedTokenStillExpires) {
  const std::string token = Signed();
  EXPECT_THAT(verifier_->Verify(token, now_), IsOk());
  EXPECT_THAT(verifier_->Verify(token, now_ + absl::Hours(1)), IsOk());
  EXPECT_THAT(verifier_->Verify(token, now_ + absl::Hours(1) + absl::Seconds(31)),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(TokensTest, ASecondCallSharesTheIdentity) {
  const std::string token = Signed();
  EXPECT_EQ(Verify(token)->get(), Verify(token)->get());
}

TEST_F(TokensTest, SubjectsAreVisibleAscii) {
  for (const json& subject : {json(""), json(nullptr), json(7), json("a b"), json("a\nb"), json(std::string("a\0b", 3)),
                              json("é"), json(std::string(256, 'a'))}) {
    ExpectRefused(Signed({{"sub", subject}}), "malformed");
  }
  EXPECT_THAT(Verify(Signed({{"sub", std::string(255, 'a')}})), IsOk());
}

TEST_F(TokensTest, NoAlgorithmButTheKeysOwn) {
  const std::string claims = Claims();
  const auto header = [](const char* algorithm, const char* key) {
    return json{{"alg", algorithm}, {"kid", key}}.dump();
  };
  for (const char* algorithm : {"none", "None", "", "HS256", "RS512", "PS256", "ES256"}) {
    ExpectRefused(issuer_.Sign("rsa", header(algorithm, "rsa"), claims), "not signed as its key demands");
  }
  for (const char* algorithm : {"none", "HS256", "RS256", "ES384"}) {
    ExpectRefused(issuer_.Sign("ec", header(algorithm, "ec"), claims), "not signed as its key demands");
  }
  // Signed by the other key under this key's name.
  ExpectRefused(issuer_.Sign("ec", header("RS256", "rsa"), claims), "not signed as its key demands");
  ExpectRefused(issuer_.Sign("rsa", header("ES256", "ec"), claims), "not signed as its key demands");
  ExpectRefused(issuer_.Sign("rsa", json{{"kid", "rsa"}}.dump(), claims), "not signed as its key demands");
  // No signature at all.
  ExpectRefused(base::Base64UrlEncode(header("none", "rsa")) + "." + base::Base64UrlEncode(claims) + ".",
                "not signed as its key demands");
  ExpectRefused(base::Base64UrlEncode(header("ES256", "ec")) + "." + base::Base64UrlEncode(claims) + ".",
                "not signed as its key demands");
}

TEST_F(TokensTest, ThePublicKeyIsNoSecret) {
  const std::string text =
      base::Base64UrlEncode(R"({"alg":"HS256","kid":"rsa"})") + "." + base::Base64UrlEncode(Claims());
  const std::string secret = issuer_.RsaPublicPem();
  unsigned char mac[32];
  unsigned int size = sizeof(mac);
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  ExpectRefused(text + "." + base::Base64UrlEncode({reinterpret_cast<const char*>(mac), size}),
                "not signed as its key demands");
}

TEST_F(TokensTest, ChangedClaimsAreRefused) {
  for (const char* key : {"rsa", "ec"}) {
    const std::string token = issuer_.Sign(key, TokenIssuer::Header(key), Claims());
    const size_t first = token.find('.');
    const size_t second = token.rfind('.');
    const std::string forged = Claims({{"section55_roles", {"operator"}}});
    ExpectRefused(token.substr(0, first + 1) + base::Base64UrlEncode(forged) + token.substr(second),
                  "not signed as its key demands");
  }
}

TEST_F(TokensTest, OnlyTheExactFormIsRead) {
  const std::string token = Signed();
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), token + "=", token + ".", token + ".x", " " + token,
        token + "\n", token.substr(0, token.rfind('.')), std::string(9000, 'a')}) {
    ExpectRefused(text, "malformed");
  }
  // The same signature bytes by another spelling of the last character: bits that do not count must be zero.
  std::string other = token;
  other.back() = other.back() == 'A' ? 'B' : static_cast<char>(other.back() + 1);
  EXPECT_THAT(Verify(other), StatusIs(absl::StatusCode::kUnauthenticated));
  // A name twice, and extensions that must be understood.
  ExpectRefused(issuer_.Sign("ec", R"({"alg":"none","alg":"ES256","kid":"ec"})", Claims()), "malformed");
  ExpectRefused(issuer_.Sign("ec", R"({"alg":"ES256","kid":"ec","crit":["b64"],"b64":false})", Claims()), "malformed");
  ExpectRefused(issuer_.Sign("ec", R"({"alg":"ES256","kid":7})", Claims()), "malformed");
  ExpectRefused(issuer_.Sign("ec", TokenIssuer::Header("ec"), R"({"sub":"ann","sub":"bob"})"), "malformed");
  ExpectRefused(issuer_.Sign("ec", TokenIssuer::Header("ec"), R"(["ann"])"), "malformed");
  ExpectRefused(issuer_.Sign("ec", "[]", Claims()), "malformed");
  ExpectRefused(issuer_.Sign("ec", R"({"alg":"ES256","kid":"other"})", Claims()), "unknown key");
  ExpectRefused(issuer_.Sign("ec", R"({"alg":"ES256"})", Claims()), "unknown key");
}

TEST_F(TokensTest, NewKeysWorkAndOldOnesStopWithoutARestart) {
  const std::string old = issuer_.Sign("ec", TokenIssuer::Header("ec"), Claims());
  EXPECT_THAT(Verify(old), IsOk());
  issuer_.Rotate();
  const std::string fresh = issuer_.Sign("rsa-2", TokenIssuer::Header("rsa-2"), Claims());
  const absl::Time later = now_ + absl::Seconds(1);
  EXPECT_THAT(verifier_->Verify(fresh, later), IsOk());
  EXPECT_THAT(verifier_->Verify(old, later),
              AllOf(StatusIs(absl::StatusCode::kUnauthenticated), MessageIs(HasSubstr("unknown key"))));
}

TEST_F(TokensTest, AnUnusableNewFileLeavesTheOldKeys) {
  issuer_.WriteFile("{");
  EXPECT_THAT(verifier_->Verify(Signed(), now_ + absl::Seconds(1)), IsOk());
}

TEST_F(TokensTest, AnUnusableFileIsRefusedInOneSentence) {
  const auto expect = [&](const std::string& file, const std::string& why) {
    issuer_.WriteFile(file);
    EXPECT_THAT(TokenVerifier::Create(issuer_.options()).status(), MessageIs(HasSubstr(why))) << file;
  };
  json jwks = json::parse(issuer_.Jwks());
  expect("", "no JSON Web Key Set");
  expect("{\"keys\":{}}", "no JSON Web Key Set");
  expect("{\"keys\":[]}", "no key");
  expect("{\"keys\":[7,{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "no key");
  json twice = jwks;
  twice["keys"][1]["kid"] = "rsa";
  expect(twice.dump(), "two keys named \"rsa\"");
  json small = jwks;
  small["keys"][0]["n"] = base::Base64UrlEncode("\xc1" + std::string(127, '\x55'));
  expect(small.dump(), "at least 2048 bits");
  json one = jwks;
  one["keys"][0]["e"] = "AQ";
  expect(one.dump(), "exponent");
  json off_curve = jwks;
  off_curve["keys"][1]["y"] = off_curve["keys"][1]["x"];
  expect(off_curve.dump(), "no point of the curve");
  TokenVerifier::Options missing = issuer_.options();
  missing.jwks_path += ".missing";
  EXPECT_THAT(TokenVerifier::Create(missing).status(), MessageIs(HasSubstr("cannot be read")));
  missing = issuer_.options();
  missing.audience = "";
  EXPECT_THAT(TokenVerifier::Create(missing).status(), MessageIs(HasSubstr("audience")));
}

TEST_F(TokensTest, TheMemoryOfTokensIsBounded) {
  // More tokens than are remembered: the first is verified afresh, so it gets an identity of its own.
  const std::string first = Signed();
  const auto before = Verify(first);
  for (int i = 0; i < 4200; ++i) {
    ASSERT_THAT(Verify(Signed({{"sub", std::to_string(i)}})), IsOk());
  }
  EXPECT_NE(before->get(), Verify(first)->get());
}

}  // namespace
}  // namespace section55::access
