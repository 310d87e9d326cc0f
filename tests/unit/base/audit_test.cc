#include "libs/base/audit.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "libs/base/log.h"

namespace section55::base {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class AuditTest : public ::testing::Test {
 protected:
  AuditTest() {
    std::string folder = fs::temp_directory_path() / "section55-audit-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~AuditTest() override {
    StopAudit();
    fs::remove_all(folder_);
  }
  static void Record(std::string_view request_id) {
    Audit({.request_id = request_id, .actor = "people/ann", .method = "X/Approve", .resource = "r", .code = "OK"});
  }
  static std::string Read(const fs::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  // Until one of the two files holds the entry; the test's own limit of time ends it otherwise.
  void AwaitEntry(const std::string& request_id) {
    const std::string text = fmt::format("\"{}\"", request_id);
    while ((Read(folder_ / "old") + Read(folder_ / "audit.jsonl")).find(text) == std::string::npos) {
    }
  }
  fs::path folder_;
};

TEST_F(AuditTest, AppendsToAFileThatNobodyElseReads) {
  const fs::path file = folder_ / "audit.jsonl";
  for (const char* request : {"one", "two"}) {
    ASSERT_TRUE(StartAudit("publication", file).ok());
    Record(request);
    StopAudit();
  }
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(Read(file), AllOf(HasSubstr(R"("request_id":"one")"), HasSubstr(R"("request_id":"two")"),
                                HasSubstr(R"("service":"publication")")));
}

TEST_F(AuditTest, AFileThatWasMovedAwayIsMadeAnew) {
  const fs::path file = folder_ / "audit.jsonl";
  ASSERT_TRUE(StartAudit("publication", file).ok());
  Record("before");
  AwaitEntry("before");
  fs::rename(file, folder_ / "old");
  // Within a second, and no entry is lost in between.
  for (int entry = 0; !fs::exists(file); ++entry) {
    Record(fmt::format("after-{}", entry));
    AwaitEntry(fmt::format("after-{}", entry));
  }
  Record("last");
  StopAudit();
  EXPECT_THAT(Read(file), HasSubstr("last"));
}

TEST_F(AuditTest, ADiskThatIsFullIsSaidAndCounted) {
  ::testing::internal::CaptureStderr();
  StartLog("publication");
  ASSERT_TRUE(StartAudit("publication", "/dev/full").ok());
  Record("one");
  while (!AuditIsFailing()) {
  }
  for (int i = 0; LostAuditEntries() == 0; ++i) {
    Audit({.request_id = std::string(100'000, 'x')});
  }
  StopAudit();
  StopLog();
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("the audit cannot be written"), HasSubstr("No space left on device")));
}

TEST_F(AuditTest, AFileThatCannotBeMadeIsASentence) {
  const absl::Status status = StartAudit("publication", "/nowhere/audit");
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere/audit cannot be written: No such file"));
}

}  // namespace
}  // namespace section55::base
