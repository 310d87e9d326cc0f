// Servers over the network: encrypted and checked, one out of several, and never one that takes no changes.
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "absl/time/clock.h"
#include "fixture.h"
#include "libs/testing/mariadb.h"

namespace section55::db {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kInsert[] = "INSERT INTO items (id) VALUES (?)";

void Shell(const std::string& command) { ASSERT_EQ(std::system((command + " >/dev/null 2>&1").c_str()), 0) << command; }

// Two servers with the same, empty tables and a user "clerk" who has no rights but to those. The first has a certificate
// for "localhost".
class MysqlServersTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name = std::filesystem::temp_directory_path() / "section55-certificates-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    for (const std::string who : {"ca", "other-ca"}) {
      Shell("cd " + name + " && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=" + who + " -keyout " +
            who + ".key -out " + who + ".pem");
    }
    for (const std::string who : {"server", "clerk"}) {
      Shell("cd " + name +
            " && openssl req -newkey rsa:2048 -nodes -subj /CN=" + (who == "server" ? "localhost" : "clerk") +
            " -keyout " + who + ".key -out " + who + ".csr && openssl x509 -req -days 30 -in " + who +
            ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -out " + who + ".pem");
    }
    Shell("chmod -R a+rX " + name);
    first_ = new testing::MariaDb(folder_);
    second_ = new testing::MariaDb(std::filesystem::path());
    for (testing::MariaDb* server : {first_, second_}) {
      server->Execute("CREATE DATABASE shared");
      server->Execute("CREATE USER clerk@'%'");
      server->Execute("GRANT ALL ON shared.* TO clerk@'%'");
      ASSERT_TRUE(Migrate(**Open({.url = server->UrlOf("shared"), .password_file = "", .connections = 1}),
                          std::vector<Schema>{TestSchema()}, absl::UnixEpoch(), false)
                      .ok());
    }
    first_->Execute("CREATE USER certified@'%' REQUIRE X509");
    first_->Execute("GRANT ALL ON shared.* TO certified@'%'");
  }

  static void TearDownTestSuite() {
    delete first_;
    delete second_;
    std::filesystem::remove_all(folder_);
  }

  void SetUp() override {
    administrator_ = Open({.url = first_->UrlOf("shared"), .password_file = "", .connections = 1}).value();
    ASSERT_TRUE(Execute(*administrator_, "DELETE FROM items").ok());
    second_->Execute("DELETE FROM shared.items");
  }

  void TearDown() override { MakeReadOnly(false); }

  // Of the first server. By a connection that is there already: a new one would be refused.
  void MakeReadOnly(bool read_only) {
    const absl::Status status = Execute(*administrator_, "SET GLOBAL read_only = ?", {read_only}).status();
    ASSERT_TRUE(status.ok()) << status;
  }

  static std::unique_ptr<Database> OpenAt(const std::string& hosts, const std::string& options = "",
                                          const std::string& user = "clerk") {
    auto database =
        Open({.url = "mysql://" + user + "@" + hosts + "/shared" + options, .password_file = "", .connections = 2});
    EXPECT_TRUE(database.ok()) << database.status();
    return *std::move(database);
  }

  static std::string At(const std::string& host, const testing::MariaDb* server) {
    return host + ":" + std::to_string(server->port());
  }

  static absl::Status PingAt(const std::string& hosts, const std::string& options = "",
                             const std::string& user = "clerk") {
    return OpenAt(hosts, options, user)->Ping(absl::InfiniteFuture());
  }

  // The rows of the servers, looked at beside the database under test.
  int64_t ItemsOfFirst() {
    int64_t items = -1;
    EXPECT_TRUE(administrator_
                    ->Write([&](Transaction& tx) {
                      items = Number(tx, "SELECT COUNT(*) FROM items");
                      return absl::OkStatus();
                    })
                    .ok());
    return items;
  }

  static int64_t ItemsOfSecond() {
    return Number(**Open({.url = second_->UrlOf("shared"), .password_file = "", .connections = 1}),
                  "SELECT COUNT(*) FROM items");
  }

  static std::string CipherOf(Database& database) {
    std::string cipher;
    EXPECT_TRUE(database
                    .Lookup([&](Transaction& tx) {
                      return tx.Query(
                          "SELECT variable_value FROM information_schema.session_status WHERE variable_name = "
                          "'SSL_CIPHER'",
                          {}, [&](const Row& row) { cipher = std::string(row.Text(0)); });
                    })
                    .ok());
    return cipher;
  }

  static std::string Verify(const std::string& ca = "ca.pem") { return "?tls=verify&ca=" + (folder_ / ca).string(); }

  std::unique_ptr<Database> administrator_;
  static inline std::filesystem::path folder_;
  static inline testing::MariaDb* first_ = nullptr;
  static inline testing::MariaDb* second_ = nullptr;
};

TEST_F(MysqlServersTest, EncryptsWhenToldTo) {
  EXPECT_EQ(CipherOf(*OpenAt(At("127.0.0.1", first_))), "");
  EXPECT_NE(CipherOf(*OpenAt(At("127.0.0.1", first_), "?tls=required")), "");
  EXPECT_NE(CipherOf(*OpenAt(At("localhost", first_), Verify())), "");
}

TEST_F(MysqlServersTest, AServerWithoutTlsIsRefused) {
  EXPECT_TRUE(PingAt(At("127.0.0.1", second_)).ok());
  const absl::Status status = PingAt(At("127.0.0.1", second_), "?tls=required");
  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE") << status;
  EXPECT_EQ(ReasonOf(PingAt(At("localhost", second_), Verify())), "DATABASE_UNAVAILABLE");
}

TEST_F(MysqlServersTest, ACertificateOfAnotherAuthorityIsRefused) {
  const absl::Status status = PingAt(At("localhost", first_), Verify("other-ca.pem"));
  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE") << status;
  EXPECT_THAT(base::DetailOf(status), HasSubstr("certificate"));
}

TEST_F(MysqlServersTest, ACertificateForAnotherHostIsRefused) {
  const absl::Status status = PingAt(At("127.0.0.1", first_), Verify());
  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE") << status;
  EXPECT_THAT(base::DetailOf(status), HasSubstr("127.0.0.1"));
}

TEST_F(MysqlServersTest, ShowsItsOwnCertificate) {
  const std::string own = "&cert=" + (folder_ / "clerk.pem").string() + "&key=" + (folder_ / "clerk.key").string();
  EXPECT_EQ(ReasonOf(PingAt(At("localhost", first_), Verify(), "certified")), "DATABASE_UNAVAILABLE");
  EXPECT_TRUE(PingAt(At("localhost", first_), Verify() + own, "certified").ok())
      << PingAt(At("localhost", first_), Verify() + own, "certified");
}

TEST_F(MysqlServersTest, TakesTheFirstThatIsThere) {
  const auto database = OpenAt("127.0.0.1:1," + At("127.0.0.1", second_) + "," + At("127.0.0.1", first_));
  EXPECT_TRUE(Execute(*database, kInsert, {"a"}).ok());
  EXPECT_EQ(ItemsOfSecond(), 1);
  EXPECT_EQ(ItemsOfFirst(), 0);
  const absl::Status none = PingAt("127.0.0.1:1,127.0.0.1:2");
  EXPECT_EQ(ReasonOf(none), "DATABASE_UNAVAILABLE");
  EXPECT_THAT(base::DetailOf(none), AllOf(HasSubstr("127.0.0.1:1:"), HasSubstr("127.0.0.1:2:")));
  EXPECT_THAT(std::string(none.message()), AllOf(Not(HasSubstr("127.0.0.1")), Not(HasSubstr("clerk"))));
}

TEST_F(MysqlServersTest, PassesOverAServerThatIsReadOnly) {
  MakeReadOnly(true);
  const auto database = OpenAt(At("127.0.0.1", first_) + "," + At("127.0.0.1", second_));
  EXPECT_TRUE(Execute(*database, kInsert, {"a"}).ok());
  EXPECT_EQ(ItemsOfSecond(), 1);
  const absl::Status alone = PingAt(At("127.0.0.1", first_));
  EXPECT_EQ(ReasonOf(alone), "DATABASE_UNAVAILABLE") << alone;
  EXPECT_THAT(base::DetailOf(alone), HasSubstr("read-only"));
}

TEST_F(MysqlServersTest, LeavesAServerThatBecomesReadOnly) {
  const auto database = OpenAt(At("127.0.0.1", first_) + "," + At("127.0.0.1", second_));
  ASSERT_TRUE(Execute(*database, kInsert, {"before"}).ok());
  EXPECT_EQ(Number(*database, "SELECT COUNT(*) FROM items WHERE id = 'before'"), 1);
  MakeReadOnly(true);
  EXPECT_TRUE(Execute(*database, kInsert, {"after"}).ok());
  EXPECT_EQ(ItemsOfFirst(), 1);
  EXPECT_EQ(ItemsOfSecond(), 1);
  EXPECT_EQ(Number(*database, "SELECT COUNT(*) FROM items WHERE id = 'after'"), 1)
      << "what is read comes from where it was written";
}

TEST_F(MysqlServersTest, TheClockOfAnotherMachineIsAsked) {
  // The host counts as another machine unless the URL calls it by a loopback address or "localhost"; this one is a spelling of 127.0.0.1.
  constexpr char kElsewhere[] = "127.1";
  constexpr char kPlain[] = "?tls=off";
  constexpr absl::Duration kPatience = absl::Seconds(30);
  // Whatever time zone the server lives in.
  ASSERT_TRUE(Execute(*administrator_, "SET GLOBAL time_zone = '+05:30'").ok());
  const auto elsewhere = OpenAt(At(kElsewhere, first_), kPlain);
  ASSERT_TRUE(elsewhere->Ping(absl::Now() + kPatience).ok());
  const absl::Time before = absl::Now();
  const std::optional<absl::Time> time = elsewhere->MachineTime(before + kPatience);
  ASSERT_TRUE(time);
  // To the microsecond, but for what the two readings of one clock are apart.
  EXPECT_GE(*time, before - absl::Milliseconds(1));
  EXPECT_LE(*time, absl::Now() + absl::Milliseconds(1));
  EXPECT_TRUE(Execute(*administrator_, "SET GLOBAL time_zone = 'SYSTEM'").ok());

  // This machine's own says nothing that its kernel does not say.
  for (const char* here : {"127.0.0.1", "localhost"}) {
    const auto database = OpenAt(At(here, first_));
    ASSERT_TRUE(database->Ping(absl::Now() + kPatience).ok());
    EXPECT_FALSE(database->MachineTime(absl::Now() + kPatience)) << here;
  }
  EXPECT_FALSE(administrator_->MachineTime(absl::Now() + kPatience)) << "a socket";

  // A server that is gone is no reason to wait, and none to doubt.
  second_->Kill();
  EXPECT_FALSE(OpenAt(At(kElsewhere, second_), kPlain)->MachineTime(absl::Now() + kPatience));
  second_->Start();
}

TEST_F(MysqlServersTest, TheOneThatAnswersIsAskedForTheTime) {
  const auto database = OpenAt("127.1:1," + At("127.0.0.1", second_), "?tls=off");
  ASSERT_TRUE(database->Ping(absl::InfiniteFuture()).ok());
  EXPECT_FALSE(database->MachineTime(absl::InfiniteFuture())) << "it is on this machine";
}

TEST_F(MysqlServersTest, LeavesAServerThatDies) {
  const auto database = OpenAt(At("127.0.0.1", first_) + "," + At("127.0.0.1", second_));
  ASSERT_TRUE(Execute(*database, kInsert, {"before"}).ok());
  first_->Kill();
  EXPECT_TRUE(Execute(*database, kInsert, {"after"}).ok());
  EXPECT_EQ(ItemsOfSecond(), 1);
  first_->Start();
}

}  // namespace
}  // namespace section55::db
