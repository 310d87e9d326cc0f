#include "libs/base/log.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

namespace section55::base {
namespace {

std::vector<std::string> Captured() {
  StopLog();
  std::istringstream text(::testing::internal::GetCapturedStderr());
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(line);
  }
  return lines;
}

TEST(LogTest, WhateverIsLoggedIsJson) {
  ::testing::internal::CaptureStderr();
  StartLog("publication");
  Log(Severity::kWarning, "quote \" slash \\ line\nend \x01",
      {{"bad", "\xff\xc0\x80\xed\xa0\x80\xf5 \xe2\x82"},
       {"good", "Dŵr £ \xf0\x9f\x98\x80"},
       {"number", int64_t{-7}},
       {"real", 0.5},
       {"infinite", std::numeric_limits<double>::infinity()}});
  const auto lines = Captured();
  ASSERT_EQ(lines.size(), 1u);
  const auto line = nlohmann::json::parse(lines[0], nullptr, false);
  ASSERT_FALSE(line.is_discarded()) << lines[0];
  EXPECT_EQ(line["service"], "publication");
  EXPECT_EQ(line["severity"], "WARNING");
  EXPECT_EQ(line["message"], "quote \" slash \\ line\nend \x01");
  EXPECT_EQ(line["good"], "Dŵr £ \xf0\x9f\x98\x80");
  EXPECT_EQ(line["number"], -7);
  EXPECT_EQ(line["real"], 0.5);
  EXPECT_TRUE(line["infinite"].is_null());
  EXPECT_EQ(line["time"].get<std::string>().size(), std::string("2026-11-22T10:00:00.123456Z").size());
}

TEST(LogTest, NoLineIsLostOrTorn) {
  ::testing::internal::CaptureStderr();
  StartLog("publication");
  constexpr int kThreads = 4;
  constexpr int kLines = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < kLines; ++i) {
        Log(Severity::kInfo, "line", {{"number", int64_t{i}}});
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const auto lines = Captured();
  EXPECT_EQ(lines.size(), size_t{kThreads} * kLines);
  for (const auto& line : lines) {
    ASSERT_TRUE(nlohmann::json::accept(line)) << line;
  }
}

TEST(LogTest, QuietUnlessStarted) {
  ::testing::internal::CaptureStderr();
  Log(Severity::kError, "before");
  StartLog("publication");
  StopLog();
  Log(Severity::kError, "after");
  EXPECT_TRUE(Captured().empty());
}

}  // namespace
}  // namespace section55::base
