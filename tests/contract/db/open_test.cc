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
  for (const char* url :
       {"", "authoring.db", "postgres://u@h/n", "sqlite:", "sqlite::memory:", "mysql://", "mysql://host/name",
        "mysql://u@host", "mysql://u@host/", "mysql://u@/name", "mysql://@host/name", "mysql://u@host:0/name",
        "mysql://u@host:x/name", "mysql://u@host:70000/name", "mysql://u@host/name?socket=/s",
        "mysql://u@/name?socket=", "mysql://u@host/name?x=y", "mysql://u@host/a/b"}) {
    const absl::Status status = OpenStatus(url);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << url << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(url));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(OpenStatus("sqlite:x.db", "", 0)));
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

TEST(OpenTest, MysqlThatCannotBeReached) {
  const absl::Status nobody = OpenStatus("mysql://u@127.0.0.1:1/name");
  EXPECT_TRUE(absl::IsUnavailable(nobody)) << nobody;
  EXPECT_EQ(ReasonOf(nobody), "DATABASE_UNAVAILABLE");
  EXPECT_THAT(std::string(nobody.message()), HasSubstr("mysql://u@127.0.0.1:1/name cannot be reached"));
  EXPECT_TRUE(absl::IsUnavailable(OpenStatus("mysql://u@/name?socket=/nowhere")));
  const absl::Status unknown = OpenStatus(testing::MariaDb::Get().UrlOf("no_such_database"));
  EXPECT_TRUE(absl::IsUnavailable(unknown)) << unknown;
}

TEST(OpenTest, PasswordFromAFile) {
  testing::MariaDb& mariadb = testing::MariaDb::Get();
  const std::string name = mariadb.NewDatabase();
  mariadb.Execute("CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY 's3cr3t pass'");
  mariadb.Execute("GRANT ALL ON " + name + ".* TO clerk@localhost");
  const std::string url = "mysql://clerk@/" + name + "?socket=" + mariadb.socket();
  const std::filesystem::path file = ::testing::TempDir() + "section55-password";

  std::ofstream(file) << "s3cr3t pass\n";
  EXPECT_TRUE(OpenStatus(url, file).ok()) << OpenStatus(url, file);
  std::ofstream(file) << "wr0ng";
  const absl::Status wrong = OpenStatus(url, file);
  EXPECT_TRUE(absl::IsUnavailable(wrong)) << wrong;
  EXPECT_THAT(wrong.ToString(), AllOf(Not(HasSubstr("wr0ng")), HasSubstr("password")));
  std::filesystem::remove(file);
  const absl::Status missing = OpenStatus(url, file);
  EXPECT_TRUE(absl::IsInvalidArgument(missing)) << missing;
  EXPECT_THAT(std::string(missing.message()), HasSubstr(file.string()));
}

}  // namespace
}  // namespace section55::db
