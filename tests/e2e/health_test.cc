// Health tells the truth: each trouble makes it NOT_SERVING within seconds, with the reason for an operator, and when it is mended
// the same process serves again. Liveness stays apart.

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/testing/mariadb.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "tests/e2e/main_job.h"
#include "tests/e2e/operator.h"
#include "tests/fault/invariants.h"

namespace section55::e2e {
namespace {

namespace fs = std::filesystem;
using grpc::health::v1::HealthCheckResponse;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::MessageIs;
using ::testing::Not;
using testing::Pki;
using testing::Service;
using testing::StatusIs;
using testing::Suite;

constexpr HealthCheckResponse::ServingStatus kServing = HealthCheckResponse::SERVING;
constexpr HealthCheckResponse::ServingStatus kNotServing = HealthCheckResponse::NOT_SERVING;
// Long before an operator would look, also on a busy machine.
constexpr absl::Duration kSoon = absl::Seconds(20);

class HealthTest : public ::testing::Test {
 protected:
  static constexpr Service kService = Service::kRegistry;

  explicit HealthTest(db::Engine engine) : suite_({.engine = engine}), resources_(suite_) { Watch(); }

  // Whatever happened is over: the service is there, lets go of what it took, and nothing is damaged.
  void TearDown() override {
    if (!HasFailure()) {
      suite_.AwaitServing(kService);
      resources_.ExpectBack();
      ExpectNothingDamaged(suite_);
    }
  }

  void Watch() {
    // A new process: a watch over the connection to the one before it would end with that.
    suite_.AwaitServing(kService);
    health_.emplace(suite_, kService);
    ASSERT_TRUE(health_->Await(kServing));
  }

  absl::StatusOr<admin::v1::Status> Status() {
    return suite_.CallOn(kService, "operator", &admin::v1::Admin::Stub::GetStatus, {});
  }
  grpc::Status CallOnce() {
    admin::v1::ListJobsResponse jobs;
    return admin::v1::Admin::NewStub(suite_.channel(kService))->ListJobs(Suite::As("operator").get(), {}, &jobs);
  }
  // What health says of a name at this moment.
  HealthCheckResponse::ServingStatus Health(std::string_view name) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(std::string(name));
    HealthCheckResponse response;
    // UNKNOWN when nobody answers.
    const auto health = grpc::health::v1::Health::NewStub(suite_.channel(kService));
    return health->Check(Suite::As("operator").get(), request, &response).ok() ? response.status()
                                                                               : HealthCheckResponse::UNKNOWN;
  }

  // From the moment of the trouble: health, the calls, the log and Admin say what is wrong; the process lives.
  void ExpectTrouble(const std::string& reason) {
    const absl::Time since = absl::Now();
    EXPECT_TRUE(health_->Await(kNotServing));
    EXPECT_LT(absl::Now() - since, kSoon);
    for (const std::string_view name : {"", "readiness", "section55.admin.v1.Admin"}) {
      EXPECT_EQ(Health(name), kNotServing) << name;
    }
    EXPECT_EQ(Health("liveness"), kServing);
    EXPECT_THAT(CallOnce(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_TRUE(suite_.Until("Admin says why: " + reason, [&] {
      const auto status = Status();
      return status.ok() && status->not_serving_reason().find(reason) != std::string::npos;
    }));
    EXPECT_THAT(suite_.Log(kService), AllOf(HasSubstr("\"not serving\""), HasSubstr(reason)));
  }
  void ExpectMended() {
    EXPECT_TRUE(health_->Await(kServing));
    EXPECT_EQ(Health("readiness"), kServing);
    const auto status = Status();
    ASSERT_THAT(status, IsOk());
    EXPECT_EQ(status->not_serving_reason(), "");
    EXPECT_THAT(CallOnce(), IsOk());
  }

  Suite suite_;
  Resources resources_;
  std::optional<HealthWatch> health_;
};

class SqliteHealthTest : public HealthTest {
 protected:
  SqliteHealthTest() : HealthTest(db::Engine::kSqlite) {}

  fs::path Path() const { return suite_.database_url(kService).substr(std::string_view("sqlite:").size()); }
  fs::path LogPath() const { return Path().string() + "-wal"; }

  static registry::v1::CreateForceRequest ForceRequest(const std::string& id) {
    registry::v1::CreateForceRequest request;
    request.set_force_id(id);
    request.mutable_force()->set_display_name(id);
    request.mutable_force()->set_chief_officer_title("Chief Constable");
    request.mutable_force()->set_territorial(true);
    return request;
  }
  absl::Status CreateForce(const std::string& id) {
    return suite_.Call("registrar", &registry::v1::InspectionRegistry::Stub::CreateForce, ForceRequest(id)).status();
  }
  // Without trying again.
  grpc::Status CreateForceOnce(const std::string& id) {
    registry::v1::Force force;
    registry::v1::CreateForceRequest request = ForceRequest(id);
    request.set_request_id("once-" + id);
    return registry::v1::InspectionRegistry::NewStub(suite_.channel(kService))
        ->CreateForce(Suite::As("registrar").get(), request, &force);
  }
};

TEST_F(SqliteHealthTest, AFileThatIsGone) {
  const fs::path away = Path().string() + "-away";
  fs::rename(Path(), away);
  ExpectTrouble("was deleted or replaced");
  EXPECT_FALSE(fs::exists(Path())) << "nothing is begun in its place";
  fs::rename(away, Path());
  ExpectMended();
}

// As when somebody leaves a tool open in the middle of a change.
TEST_F(SqliteHealthTest, AFileThatAnotherProcessHolds) {
  const auto database = suite_.OpenDatabase(kService);
  absl::Notification mended;
  std::thread other([&] {
    EXPECT_THAT(database->Write([&](db::Transaction& tx) {
      mended.WaitForNotification();
      return absl::OkStatus();
    }),
                IsOk());
  });
  ExpectTrouble("the database");
  mended.Notify();
  other.join();
  ExpectMended();
}

// A disk is full when no file may grow: the same error of the same write.
TEST_F(SqliteHealthTest, AFullDisk) {
  const pid_t pid = suite_.pid(kService);
  ASSERT_LT(fs::file_size(suite_.LogFile(kService)) * 3 / 2, fs::file_size(LogPath())) << "it must be able to tell";
  rlimit whole = {};
  const rlimit full = {fs::file_size(LogPath()), RLIM_INFINITY};
  ASSERT_EQ(prlimit(pid, RLIMIT_FSIZE, nullptr, &whole), 0);
  ASSERT_EQ(prlimit(pid, RLIMIT_FSIZE, &full, nullptr), 0);
  ExpectTrouble("the database takes no changes");
  ASSERT_EQ(prlimit(pid, RLIMIT_FSIZE, &whole, nullptr), 0);
  ExpectMended();
  EXPECT_THAT(CreateForce("kent"), IsOk());
}

// The structure of the file, where no call has looked yet.
TEST_F(SqliteHealthTest, ADamagedFile) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_THAT(CreateForce(fmt::format("force-{}", i)), IsOk());
  }
  ASSERT_EQ(suite_.Stop(kService), 0);
  const fs::path whole = Path().string() + "-whole";
  fs::copy_file(Path(), whole);
  int64_t page = 0;
  {
    const auto database = suite_.OpenDatabase(kService);
    ASSERT_THAT(database->Lookup([&](db::Transaction& tx) {
      return tx.Query("SELECT rootpage FROM sqlite_master WHERE name = 'forces'", {},
                      [&](const db::Row& row) { page = row.Int64(0); });
    }),
                IsOk());
  }
  constexpr int kPage = 4096;
  const int file = open(Path().c_str(), O_WRONLY | O_CLOEXEC);
  const std::string rubbish(kPage, 'x');
  ASSERT_EQ(pwrite(file, rubbish.data(), kPage, (page - 1) * kPage), kPage);
  close(file);
  suite_.Start(kService);
  ASSERT_TRUE(suite_.Until("it answers", [&] { return Health("liveness") == kServing; }));
  health_.emplace(suite_, kService);
  ExpectTrouble("is damaged");
  // And its repair: a backup.
  ASSERT_EQ(suite_.Stop(kService), 0);
  fs::rename(whole, Path());
  suite_.Start(kService);
  Watch();
  EXPECT_THAT(CallOnce(), IsOk());
}

// A page that goes bad while the service runs: whoever meets it tells.
TEST_F(SqliteHealthTest, AFileThatIsDamagedUnderTheService) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_THAT(CreateForce(fmt::format("force-{}", i)), IsOk());
  }
  // So that what was written stands in the file and nothing of it in a reader's memory.
  ASSERT_EQ(suite_.Stop(kService), 0);
  const uintmax_t size = fs::file_size(Path());
  suite_.Start(kService);
  Watch();
  const int file = open(Path().c_str(), O_RDWR | O_CLOEXEC);
  std::string pages(size, '\0');
  ASSERT_EQ(pread(file, pages.data(), size, 0), static_cast<ssize_t>(size));
  // All but the first page, which everybody has read.
  constexpr int kPage = 4096;
  const std::string rubbish(size - kPage, 'x');
  ASSERT_EQ(pwrite(file, rubbish.data(), rubbish.size(), kPage), static_cast<ssize_t>(rubbish.size()));
  EXPECT_THAT(CreateForceOnce("kent"), Not(IsOk()));
  ExpectTrouble("is damaged");
  ASSERT_EQ(pwrite(file, pages.data(), size, 0), static_cast<ssize_t>(size));
  close(file);
  ExpectMended();
  EXPECT_THAT(CreateForce("essex"), IsOk());
}

TEST_F(SqliteHealthTest, AFileThatMayOnlyBeRead) {
  ASSERT_EQ(suite_.Stop(kService), 0);
  testing::Command command = suite_.CommandOf(kService);
  fs::permissions(Path(), fs::perms::owner_read);
  if (geteuid() == 0) {
    // Root may write what it likes, unless it is taken from it.
    command.words.insert(command.words.begin(), {"/usr/bin/setpriv", "--bounding-set=-dac_override"});
  }
  const testing::Outcome outcome = testing::Run(command);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors, AllOf(HasSubstr("may write to it"), HasSubstr("it may be read but not written")));
  fs::permissions(Path(), fs::perms::owner_read | fs::perms::owner_write);
  suite_.Start(kService);
}

class MysqlHealthTest : public HealthTest {
 protected:
  MysqlHealthTest() : HealthTest(db::Engine::kMysql) {}

  testing::MariaDb& mariadb_ = testing::MariaDb::Get();
};

TEST_F(MysqlHealthTest, AServerThatIsAway) {
  mariadb_.Kill();
  ExpectTrouble("the database");
  mariadb_.Start();
  ExpectMended();
}

TEST_F(MysqlHealthTest, AServerThatHangs) {
  mariadb_.Pause();
  ExpectTrouble("the database");
  mariadb_.Resume();
  ExpectMended();
}

// As a replica is after a failover. The user of the suite may write all the same; so the service is started with another.
TEST_F(MysqlHealthTest, AServerThatTakesNoChanges) {
  ASSERT_EQ(suite_.Stop(kService), 0);
  mariadb_.Execute("CREATE OR REPLACE USER clerk@localhost");
  mariadb_.Execute("GRANT ALL ON *.* TO clerk@localhost");
  mariadb_.Execute("REVOKE SUPER, READ_ONLY ADMIN ON *.* FROM clerk@localhost");
  const auto administrator = db::Open({.url = mariadb_.UrlOf("mysql"), .password_file = "", .connections = 1});
  ASSERT_THAT(administrator, IsOk());
  const auto make_read_only = [&](bool read_only) {
    EXPECT_THAT((*administrator)->Write([&](db::Transaction& tx) {
      return tx.Execute("SET GLOBAL read_only = ?", {read_only}).status();
    }),
                IsOk());
  };
  std::string url = suite_.database_url(kService);
  url.replace(url.find("root@"), 5, "clerk@");
  suite_.Start(kService, {"--database=" + url});
  Watch();
  make_read_only(true);
  ExpectTrouble("is read-only");
  make_read_only(false);
  ExpectMended();
}

// In the middle of calls, which the grace must not outlast.
TEST_F(MysqlHealthTest, TermEndsAServiceWhoseDatabaseHangs) {
  mariadb_.Pause();
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] { EXPECT_THAT(CallOnce(), Not(IsOk())); });
  }
  // They hang with it now, and so does whoever looks after it.
  EXPECT_TRUE(health_->Await(kNotServing));
  const absl::Time since = absl::Now();
  EXPECT_EQ(suite_.Stop(kService), 3);
  EXPECT_LT(absl::Now() - since, absl::Seconds(12));
  mariadb_.Resume();
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_THAT(suite_.Log(kService), AllOf(HasSubstr("\"stopping\""), HasSubstr("\"cut off: it did not end in time\"")));
  suite_.Start(kService);
  Watch();
  EXPECT_THAT(CallOnce(), IsOk()) << "it is started again as after any end";
}

TEST_F(SqliteHealthTest, HangupEndsNothing) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(kill(suite_.pid(kService), SIGHUP), 0);
  }
  EXPECT_TRUE(suite_.Until("it has looked anew", [&] {
    return suite_.Log(kService).find("looking at everything anew") != std::string::npos;
  }));
  EXPECT_THAT(CallOnce(), IsOk());
  EXPECT_EQ(suite_.Stop(kService), 0);
  suite_.Start(kService);
}

TEST_F(SqliteHealthTest, FilesAreNobodyElsesToRead) {
  const auto others = fs::perms::group_all | fs::perms::others_all;
  const auto expect_private = [&] {
    for (const fs::path& path : {Path(), LogPath(), fs::path(Path().string() + "-shm"), suite_.LogFile(kService)}) {
      EXPECT_EQ(fs::status(path).permissions() & others, fs::perms::none) << path;
    }
  };
  expect_private();
  // As an older program, or a careless restore, left them.
  ASSERT_EQ(suite_.Stop(kService), 0);
  fs::permissions(Path(), fs::perms(0644));
  fs::permissions(suite_.LogFile(kService), fs::perms(0644));
  suite_.Start(kService);
  Watch();
  expect_private();

  ASSERT_EQ(suite_.Stop(kService), 0);
  const fs::path folder = Path().parent_path();
  for (const auto& [mode, who] : std::map<int, std::string>{{0777, "every user"}, {0770, "folder's group"}}) {
    fs::permissions(folder, fs::perms(mode));
    const testing::Outcome outcome = testing::Run(suite_.CommandOf(kService));
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.errors, AllOf(HasSubstr(who), HasSubstr("chmod go-w " + folder.string())));
  }
  // One like /tmp, where nobody may take the place of another's file.
  fs::permissions(folder, fs::perms(01777));
  suite_.Start(kService);
  Watch();
  fs::permissions(folder, fs::perms(0700));
}

// A certificate that ends in the past, as one does some day; then a new one in its place.
class CertificateHealthTest : public HealthTest {
 protected:
  CertificateHealthTest() : HealthTest(db::Engine::kSqlite) {}

  // certificate.pem of the folder as it would be with another end.
  static std::string WithEnd(const fs::path& folder, absl::Time end) {
    const auto read = [](const fs::path& path, auto parse) {
      const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
      return parse(file.get(), nullptr, nullptr, nullptr);
    };
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(read(folder / "certificate.pem", PEM_read_bio_X509),
                                                                  X509_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> authority(
        read(Pki::Get().folder() / "pki" / "ca.key", PEM_read_bio_PrivateKey), EVP_PKEY_free);
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(end - absl::Hours(1)));
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(end));
    EXPECT_GT(X509_sign(certificate.get(), authority.get(), EVP_sha256()), 0);
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
    EXPECT_EQ(PEM_write_bio_X509(text.get(), certificate.get()), 1);
    const char* data = nullptr;
    const long size = BIO_get_mem_data(text.get(), &data);
    return {data, static_cast<size_t>(size)};
  }
  static void Replace(const fs::path& path, const std::string& content) {
    const fs::path next = path.string() + ".new";
    std::ofstream(next) << content;
    fs::rename(next, path);
  }
};

TEST_F(CertificateHealthTest, ACertificateThatHasExpired) {
  const testing::TemporaryFolder folder;
  fs::copy(Pki::Get().certificates(testing::NameOf(kService)), folder.path(), fs::copy_options::recursive);
  const fs::path path = folder.path() / "certificate.pem";
  const std::string good = testing::ReadFile(path);
  ASSERT_EQ(suite_.Stop(kService), 0);
  suite_.Start(kService, {"--certificates=" + folder.path().string()});
  Watch();
  // One that has expired already would not be taken: the old one would stay in use.
  Replace(path, WithEnd(folder.path(), absl::Now() + absl::Seconds(8)));
  // Over the connection that is there: nobody makes a new one with such a certificate.
  ExpectTrouble("has expired at");
  Replace(path, good);
  ExpectMended();
}

}  // namespace
}  // namespace section55::e2e
