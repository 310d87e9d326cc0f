// Opening: what an operator is told.
#include <filesystem>
#include <fstream>

#include "fixture.h"
#include "libs/testing/mariadb.h"

namespace section55::db {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

absl::Status OpenStatus(const std::string& url, const std::string& password_file = "", int connections = 1) {
  return Open({.url = url, .password_file = password_file, .connections = connections}).status();
}

TEST(OpenTest, UnusableUrls) {
  for (const char* url : {"",
                          "authoring.db",
                          "postgres://u@h/n",
                          "sqlite:",
                          "sqlite::memory:",
                          "mysql://",
                          "mysql://host/name",
                          "mysql://u@host",
                          "mysql://u@host/",
                          "mysql://u@/name",
                          "mysql://@host/name",
                          "mysql://u@host:0/name",
                          "mysql://u@host:x/name",
                          "mysql://u@host:70000/name",
                          "mysql://u@host/name?socket=/s",
                          "mysql://u@/name?socket=",
                          "mysql://u@host/name?tls=off&x=y",
                          "mysql://u@host/a/b",
                          "mysql://u@,host/name?tls=off",
                          "mysql://u@host/name?tls=off&tls=off",
                          "mysql://u@host/name?tls",
                          "mysql://u@/name?socket=/s&tls=required"}) {
    const absl::Status status = OpenStatus(url);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << url << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(url));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(OpenStatus("sqlite:x.db", "", 0)));
}

// Nothing leaves the machine unencrypted, or to whom nobody checked, unless the URL says so.
TEST(OpenTest, TlsIsSaidInTheUrl) {
  const std::filesystem::path file = ::testing::TempDir() + "section55-ca";
  std::ofstream(file) << "x";
  const std::string ca = "ca=" + file.string();
  for (const std::string& url :
       {std::string("mysql://u@database.example/n"), std::string("mysql://u@10.0.0.1/n"),
        std::string("mysql://u@127.0.0.1,database.example/n"), std::string("mysql://u@127.example/n"),
        std::string("mysql://u@host/n?tls=maybe"), std::string("mysql://u@host/n?tls=verify"),
        "mysql://u@host/n?tls=required&" + ca, "mysql://u@host/n?tls=off&" + ca,
        std::string("mysql://u@host/n?tls=verify&ca=/nowhere/ca.pem"), "mysql://u@host/n?tls=verify&cert=/c&" + ca}) {
    EXPECT_TRUE(absl::IsInvalidArgument(OpenStatus(url))) << url << ": " << OpenStatus(url);
  }
  EXPECT_THAT(OpenStatus("mysql://u@database.example/n").ToString(), HasSubstr("tls=verify"));
  for (const std::string& url :
       {std::string("mysql://u@host/n?tls=off"), std::string("mysql://u@one,two:3307,[::1]/n?tls=required"),
        "mysql://u@host/n?" + ca + "&tls=verify", std::string("mysql://u@127.0.0.1,localhost:3307,[::1]:1/n")}) {
    EXPECT_TRUE(OpenStatus(url).ok()) << url << ": " << OpenStatus(url);
  }
  std::filesystem::remove(file);
}

TEST(OpenTest, APasswordInTheUrlIsRefusedAndNotRepeated) {
  for (const char* url : {"mysql://user:secret@host/name", "mysql://user:secret@host",
                          "mysql://user:sec:ret@@host:1/name", "postgres://user:secret@host/name"}) {
    const absl::Status status = OpenStatus(url);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(Not(HasSubstr("sec")), HasSubstr("user:***@")));
  }
}

TEST(OpenTest, SqliteFileThatCannotBeOpened) {
  EXPECT_THAT(OpenStatus("sqlite:/nowhere/at/all/x.db").ToString(), HasSubstr("create its folder /nowhere/at/all"));
  const std::filesystem::path file = ::testing::TempDir() + "section55-not-a-database";
  std::ofstream(file) << std::string(5000, 'x');
  const absl::Status status = OpenStatus("sqlite:" + file.string());
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE");
  std::filesystem::remove(file);
}

absl::Status PingStatus(const std::string& url, const std::string& password_file = "") {
  const auto database = Open({.url = url, .password_file = password_file, .connections = 1});
  return database.ok() ? (*database)->Ping(absl::InfiniteFuture()) : database.status();
}

TEST(OpenTest, AMysqlThatCannotBeReachedIsOpenedAndUnavailable) {
  const absl::Status nobody = PingStatus("mysql://clerk@127.0.0.1:1/name");
  EXPECT_TRUE(absl::IsUnavailable(nobody)) << nobody;
  EXPECT_EQ(ReasonOf(nobody), "DATABASE_UNAVAILABLE");
  EXPECT_THAT(base::DetailOf(nobody), HasSubstr("mysql://clerk@127.0.0.1:1/name cannot be reached"));
  EXPECT_THAT(std::string(nobody.message()), AllOf(Not(HasSubstr("127.0.0.1")), Not(HasSubstr("clerk"))));
  EXPECT_TRUE(absl::IsUnavailable(PingStatus("mysql://u@/name?socket=/nowhere")));
  const absl::Status unknown = PingStatus(testing::MariaDb::Get().UrlOf("no_such_database"));
  EXPECT_TRUE(absl::IsUnavailable(unknown)) << unknown;
}

TEST(OpenTest, AServiceMayStartBeforeItsMysql) {
  testing::MariaDb& mariadb = testing::MariaDb::Get();
  const std::string name = mariadb.NewDatabase();
  mariadb.Kill();
  const auto database = Open({.url = mariadb.UrlOf(name), .password_file = "", .connections = 1});
  ASSERT_TRUE(database.ok()) << database.status();
  EXPECT_EQ(ReasonOf((*database)->Ping(absl::InfiniteFuture())), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(ReasonOf(CheckSchema(**database, {TestSchema()})), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(ReasonOf(Execute(**database, "DELETE FROM items").status()), "DATABASE_UNAVAILABLE");
  mariadb.Start();
  EXPECT_TRUE((*database)->Ping(absl::InfiniteFuture()).ok());
  EXPECT_EQ(ReasonOf(CheckSchema(**database, {TestSchema()})), "SCHEMA_BEHIND");
}

TEST(OpenTest, AnSqliteThatIsThereAnswers) {
  testing::TestDatabase database(Engine::kSqlite);
  EXPECT_TRUE(database->Ping(absl::InfiniteFuture()).ok());
}

TEST(OpenTest, PasswordFromAFile) {
  testing::MariaDb& mariadb = testing::MariaDb::Get();
  const std::string name = mariadb.NewDatabase();
  mariadb.Execute("CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY 's3cr3t pass'");
  mariadb.Execute("GRANT ALL ON " + name + ".* TO clerk@localhost");
  const std::string url = "mysql://clerk@/" + name + "?socket=" + mariadb.socket();
  const std::filesystem::path file = ::testing::TempDir() + "section55-password";

  std::ofstream(file) << "s3cr3t pass\n";
  EXPECT_TRUE(PingStatus(url, file).ok()) << PingStatus(url, file);
  std::ofstream(file) << "wr0ng";
  const absl::Status wrong = PingStatus(url, file);
  EXPECT_TRUE(absl::IsUnavailable(wrong)) << wrong;
  EXPECT_THAT(wrong.ToString(), AllOf(Not(HasSubstr("wr0ng")), HasSubstr("password")));
  std::filesystem::remove(file);
  const absl::Status missing = PingStatus(url, file);
  EXPECT_TRUE(absl::IsInvalidArgument(missing)) << missing;
  EXPECT_THAT(std::string(missing.message()), HasSubstr(file.string()));
}

}  // namespace
}  // namespace section55::db
