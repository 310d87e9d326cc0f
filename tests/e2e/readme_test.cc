// README.md's tour and the runbook of backups, command by command: every one must work as it stands there, on a suite that
// deploy/local/suite brings up with its sample data. Only the ports and var/ are replaced, as the test's suite is not the reader's.
//
// What is run are the blocks marked ```bash under one heading of a page. A line that begins with "#=> " is what the
// command before it prints, or a part of it; spaces and line breaks do not count.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "libs/testing/process.h"

namespace section55::e2e {
namespace {

using testing::Outcome;

constexpr int kReadersBase = 7100;
constexpr int kWebOffset = 955;

// Ports for a suite: its base and the reserved ports themselves.
struct Ports {
  int base = 0;
  std::vector<std::unique_ptr<testing::ReservedPort>> reserved;
};

Ports FindPorts() {
  std::random_device random;
  std::uniform_int_distribution<int> bases(101, 319);  // below the ports that the kernel gives away
  while (true) {
    Ports ports{.base = bases(random) * 100, .reserved = {}};
    for (const int offset : {1, 2, 3, 4, 11, 12, 13, 14, kWebOffset}) {
      ports.reserved.push_back(std::make_unique<testing::ReservedPort>(ports.base + offset));
    }
    if (std::all_of(ports.reserved.begin(), ports.reserved.end(), [](const auto& port) { return port->ok(); })) {
      return ports;
    }
  }
}

struct Step {
  std::string command;
  std::vector<std::string> expected;
};

// Whether bash has to read on before it can run this.
bool Unfinished(const std::string& text) {
  return text.ends_with('\\') || testing::Run({.words = {"/bin/bash", "-n", "-c", text}}).exit_code != 0;
}

std::vector<Step> ReadTour(const std::string& readme, std::string_view heading) {
  std::vector<Step> steps;
  bool in_tour = false;
  bool in_block = false;
  std::string pending;
  const std::vector<std::string> lines = absl::StrSplit(readme, '\n');
  for (const std::string& line : lines) {
    if (!in_block && line.starts_with('#')) {
      in_tour = line.find(heading) != std::string::npos || (in_tour && line.starts_with("###"));
    } else if (line.starts_with("```")) {
      EXPECT_TRUE(pending.empty()) << "a command of the tour does not end: " << pending;
      in_block = !in_block && in_tour && line == "```bash";
    } else if (in_block && line.starts_with("#=> ") && !steps.empty()) {
      steps.back().expected.push_back(line.substr(4));
    } else if (in_block && !(pending.empty() && (line.empty() || line.starts_with('#')))) {
      pending += (pending.empty() ? "" : "\n") + line;
      if (!Unfinished(pending)) {
        steps.push_back({std::exchange(pending, ""), {}});
      }
    }
  }
  return steps;
}

std::string WithoutSpaces(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  return text;
}

class ReadmeTest : public ::testing::Test {
 protected:
  ReadmeTest() : ports_(FindPorts()) {}
  ~ReadmeTest() override {
    // Its services are no children of ours: they end when asked to.
    EXPECT_EQ(RunSuite("down").exit_code, 0);
    if (HasFailure()) {
      folder_.Keep();
      fmt::print("The logs of the services are kept in {}\n", folder_.path().string());
    }
  }

  testing::Command Bash(const std::string& text) {
    return {.words = {"/bin/bash", "-euo", "pipefail", "-c", text},
            .environment = {{"SECTION55_PORT_BASE", std::to_string(ports_.base)},
                            {"SECTION55_VAR", folder_.path()},
                            {"SECTION55_BIN", SECTION55_BIN_DIR},
                            {"HOME", folder_.path()},
                            {"PATH", fmt::format("{}/tests/e2e/shims:{}", SECTION55_SOURCE_DIR, getenv("PATH"))}},
            .folder = SECTION55_SOURCE_DIR};
  }
  Outcome RunSuite(const std::string& word) {
    return testing::Run(Bash("deploy/local/suite " + word), absl::Seconds(150));
  }

  // The reader's ports and var/ as this test's.
  std::string Ours(const std::string& text) {
    static const std::regex port(R"((127\.0\.0\.1|localhost):(71[01][0-9]|8055)\b)");
    std::string result;
    auto at = text.begin();
    for (std::sregex_iterator match(text.begin(), text.end(), port), end; match != end; ++match) {
      result.append(at, (*match)[2].first);
      result += std::to_string(ports_.base + std::stoi((*match)[2]) - kReadersBase);
      at = (*match)[2].second;
    }
    result.append(at, text.end());
    static const std::regex var(R"((^|[\s"'(=<])var/)");
    return std::regex_replace(result, var, "$1" + folder_.path().string() + "/");
  }

  void RunAll(const std::string& page, std::string_view heading) {
    const std::vector<Step> steps =
        ReadTour(testing::ReadFile(fmt::format("{}/{}", SECTION55_SOURCE_DIR, page)), heading);
    ASSERT_GE(steps.size(), 3) << page << " has no ```bash blocks under the heading \"" << heading
                               << "\", or hardly any";
    // As somebody with another umask has made them.
    using std::filesystem::perms;
    std::filesystem::create_directory(folder_.path() / "data");
    for (const auto& each : {folder_.path(), folder_.path() / "data"}) {
      std::filesystem::permissions(each, perms(0755));
    }
    const Outcome up = RunSuite("up");
    ASSERT_EQ(up.exit_code, 0) << up.output << up.errors;
    for (const char* ours : {"", "data", "log", "run", "pki", "tokens"}) {
      EXPECT_EQ(std::filesystem::status(folder_.path() / ours).permissions(), perms::owner_all) << ours;
    }
    for (const Step& step : steps) {
      SCOPED_TRACE(step.command);
      const Outcome outcome = testing::Run(Bash(Ours(step.command)));
      EXPECT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
      for (const std::string& expected : step.expected) {
        EXPECT_NE(WithoutSpaces(outcome.output).find(WithoutSpaces(Ours(expected))), std::string::npos)
            << "it does not print\n"
            << expected << "\nbut\n"
            << outcome.output;
      }
    }
  }

  Ports ports_;
  testing::TemporaryFolder folder_;
};

TEST_F(ReadmeTest, EveryCommandOfTheTourWorks) { RunAll("README.md", "A tour in five minutes"); }

TEST_F(ReadmeTest, EveryCommandOfTheRunbookOfBackupsWorks) { RunAll("deploy/backup/README.md", "Runbook"); }

}  // namespace
}  // namespace section55::e2e
