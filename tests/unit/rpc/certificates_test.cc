#include "libs/rpc/certificates.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/time/clock.h"
#include "libs/base/log.h"
#include "libs/rpc/tls.h"
#include "libs/testing/authorities.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "tests/unit/rpc/server_fixture.h"

namespace section55::rpc {
namespace {

namespace fs = std::filesystem;
using section55::testing::Authorities;
using ::testing::AllOf;
using ::testing::HasSubstr;

void Write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

std::string Read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// One file after the other, as `cp` does it. Only with `recursive` does the library copy what lies in a folder once it is told anything else.
void CopyInto(const fs::path& folder, const fs::path& from) {
  fs::copy(from, folder, fs::copy_options::overwrite_existing | fs::copy_options::recursive);
}

class CertificatesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { pki_ = new Authorities; }
  static void TearDownTestSuite() { delete pki_; }

  // As it will be after a while.
  static absl::Status Check(const std::string& folder, absl::Duration later = absl::ZeroDuration()) {
    return ReadCertificates(folder, "publication", absl::Now() + later).status();
  }

  static Authorities* pki_;
};
Authorities* CertificatesTest::pki_ = nullptr;

TEST_F(CertificatesTest, GoodOnesAreTaken) {
  const std::string folder = pki_->Folder("good", "publication");
  const auto read = ReadCertificates(folder, "publication", absl::Now());
  ASSERT_THAT(read, IsOk());
  EXPECT_GT(read->expires, absl::Now() + absl::Hours(47));
  EXPECT_LT(read->expires, absl::Now() + absl::Hours(49));
}

TEST_F(CertificatesTest, EveryMistakeIsASentence) {
  const std::string good = pki_->Folder("good", "publication");
  EXPECT_THAT(Check(good, absl::Hours(72)), MessageIs(HasSubstr("certificate.pem expired on ")));
  EXPECT_THAT(Check(good, -absl::Hours(72)),
              MessageIs(AllOf(HasSubstr("certificate.pem is valid only from"), HasSubstr("clock"))));
  EXPECT_THAT(Check(pki_->Folder("stranger", "publication", "other-ca", "ca")),
              MessageIs(AllOf(HasSubstr("certificate.pem is not signed by an authority in"), HasSubstr("ca.pem"))));
  EXPECT_THAT(Check(pki_->Folder("another", "response-authoring")),
              MessageIs(AllOf(HasSubstr("is not the certificate of publication"),
                              HasSubstr("spiffe://section55/response-authoring"))));
  EXPECT_THAT(Check(pki_->Folder("nameless", "x", "ca", "ca", "DNS:elsewhere")), MessageIs(HasSubstr("it has none")));
  for (const char* file : {"certificate.pem", "key.pem", "ca.pem"}) {
    for (const char* text : {"", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
      const fs::path broken = pki_->Folder("broken", "publication");
      Write(broken / file, text);
      EXPECT_THAT(Check(broken), MessageIs((broken / file).string() + " is missing or not in PEM form")) << text;
    }
  }
}

// What is logged while this lives, line by line.
class LogPipe {
 public:
  LogPipe() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    dup2(ends_[1], STDERR_FILENO);
    base::StartLog("publication");
  }
  ~LogPipe() {
    base::StopLog();
    dup2(errors_, STDERR_FILENO);
    close(errors_);
    close(ends_[0]);
    close(ends_[1]);
  }
  // Waits for the line about the folder, as others of this process stay under watch; the test's own limit of time ends it otherwise.
  std::string Await(const fs::path& folder, const std::string& text) {
    std::string line;
    for (char c = 0; read(ends_[0], &c, 1) == 1;) {
      line.push_back(c);
      if (c != '\n') {
        continue;
      }
      if (line.find(folder.string() + "\"") != std::string::npos && line.find(text) != std::string::npos) {
        break;
      }
      line.clear();
    }
    return line;
  }

 private:
  const int errors_ = dup(STDERR_FILENO);
  int ends_[2] = {-1, -1};
};

TEST_F(CertificatesTest, WhatCannotBeUsedLaterLeavesTheOldInUse) {
  const fs::path folder = pki_->Folder("in-use", "publication");
  LogPipe log;
  ServerOptions options = TestServer::InProcess();
  options.listen = "127.0.0.1:0";
  options.certificates = folder;
  options.service_name = "publication";
  TestServer server(absl::FromUnixSeconds(1'000), options);
  server.Add<Feed>(kFeed);
  server.Start();
  const absl::Time expires = ExpiryInUse(folder);
  const std::string first = Read(folder / "certificate.pem");
  const std::string peer = pki_->Folder("peer", "deadline-scheduler");
  // A new connection each time, on which each shows the other a certificate.
  std::string shown;
  const auto health = [&] {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server.server().port()), PeerTls(peer), arguments);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    grpc::health::v1::HealthCheckResponse response;
    const grpc::Status status = grpc::health::v1::Health::NewStub(channel)->Check(&context, {}, &response);
    const auto seen = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    shown = seen.empty() ? "" : std::string(seen[0].data(), seen[0].size());
    return status;
  };
  EXPECT_THAT(health(), IsOk());

  Write(folder / "ca.pem", "garbage");
  EXPECT_THAT(log.Await(folder, "the old certificates stay in use"),
              AllOf(HasSubstr("ca.pem is missing or not in PEM form"), HasSubstr("\"severity\":\"ERROR\"")));
  EXPECT_THAT(health(), IsOk());
  // Another service's.
  CopyInto(folder, pki_->Folder("others", "deadline-scheduler"));
  EXPECT_THAT(log.Await(folder, "is not the certificate of publication"),
              HasSubstr("the old certificates stay in use"));
  EXPECT_THAT(health(), IsOk());
  EXPECT_EQ(shown, first);
  EXPECT_EQ(ExpiryInUse(folder), expires);

  // A good one is taken all the same, and shown when gRPC has looked at it.
  CopyInto(folder, pki_->Folder("renewed", "publication"));
  EXPECT_THAT(log.Await(folder, "new certificates are in use"), HasSubstr("expire_time"));
  EXPECT_GE(ExpiryInUse(folder), expires);
  while (shown == first) {
    ASSERT_THAT(health(), IsOk());
  }
  EXPECT_EQ(shown, Read(folder / "certificate.pem"));
  server.Stop();
}

}  // namespace
}  // namespace section55::rpc
