#include "libs/base/line_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "libs/base/log.h"

namespace section55::base {
namespace {

constexpr std::chrono::seconds kPatience{30};

// A pipe whose reader stalls until it is asked to read.
class StalledPipe {
 public:
  StalledPipe() {
    signal(SIGPIPE, SIG_IGN);  // as every service does
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    reader_ = fdopen(ends_[0], "r");
  }
  ~StalledPipe() {
    free(line_);
    fclose(reader_);
    close(ends_[1]);
  }
  int writer() const { return ends_[1]; }
  // Reads until a line holds `end`.
  std::vector<std::string> ReadUntil(const std::string& end) {
    std::vector<std::string> lines;
    for (ssize_t size = 0; (size = getline(&line_, &room_, reader_)) > 0;) {
      lines.emplace_back(line_, static_cast<size_t>(size) - 1);
      if (lines.back().find(end) != std::string::npos) {
        break;
      }
    }
    return lines;
  }

 private:
  int ends_[2] = {-1, -1};
  FILE* reader_ = nullptr;
  char* line_ = nullptr;
  size_t room_ = 0;
};

LineWriter::Options OptionsFor(int descriptor) {
  return {.descriptor = [descriptor] { return descriptor; },
          .note = [](int64_t lost) { return fmt::format("lost {}\n", lost); },
          .most_waiting = 256 << 10};
}

TEST(LineWriterTest, AReaderThatStallsHoldsUpNobodyAndLearnsWhatItMissed) {
  StalledPipe pipe;
  constexpr int kLines = 100'000;  // far more than the pipe and the memory hold
  LineWriter writer(OptionsFor(pipe.writer()));
  auto logging = std::async(std::launch::async, [&] {
    for (int i = 0; i < kLines; ++i) {
      writer.Add(fmt::format("line {}\n", i), false);
    }
  });
  ASSERT_EQ(logging.wait_for(kPatience), std::future_status::ready) << "whoever logs was held up";
  const int64_t lost = writer.lost();
  EXPECT_GT(lost, 0);
  int64_t told = 0;
  int next = 0;
  int kept = 0;
  while (told < lost) {
    for (const std::string& line : pipe.ReadUntil("lost")) {
      int number = 0;
      if (std::sscanf(line.c_str(), "lost %d", &number) == 1) {
        told += number;
        continue;
      }
      ASSERT_EQ(std::sscanf(line.c_str(), "line %d", &number), 1) << line;
      ASSERT_GE(number, next) << "in order, and none twice";
      next = number + 1;
      ++kept;
    }
  }
  EXPECT_EQ(told, lost);
  EXPECT_EQ(kept, kLines - lost);
  writer.Add("again\n", false);
  EXPECT_EQ(pipe.ReadUntil("again").size(), 1u);
}

TEST(LineWriterTest, WhatWasLostIsToldThoughNoLineFollows) {
  StalledPipe pipe;
  LineWriter writer(OptionsFor(pipe.writer()));
  // All the room there is.
  ASSERT_TRUE(writer.Add("first\n" + std::string((256 << 10) - 13, 'x') + "second\n", false));
  pipe.ReadUntil("first");  // so the batch is in hand, and nothing waits behind it
  ASSERT_FALSE(writer.Add("third\n", false));
  pipe.ReadUntil("second");
  EXPECT_EQ(pipe.ReadUntil("lost"), std::vector<std::string>{"lost 1"});
}

TEST(LineWriterTest, WhatIsImportantHasRoomOfItsOwn) {
  StalledPipe pipe;
  LineWriter writer(OptionsFor(pipe.writer()));
  const std::string line(1000, 'x');
  while (writer.Add(line + "\n", false)) {
  }
  EXPECT_TRUE(writer.Add("important\n", true));
}

TEST(LineWriterTest, AReaderThatStallsDoesNotHoldUpTheEnd) {
  StalledPipe pipe;
  auto writer = std::make_unique<LineWriter>(OptionsFor(pipe.writer()));
  while (writer->Add("a line of some length\n", false)) {
  }
  auto stopping = std::async(std::launch::async, [&] {
    writer->Stop(absl::Milliseconds(50));
    writer.reset();
  });
  EXPECT_EQ(stopping.wait_for(kPatience), std::future_status::ready);
  pipe.ReadUntil("lost");  // so that the thread that was left behind ends
}

TEST(LineWriterTest, WhatCannotBeWrittenIsKeptAndWrittenWhenItCan) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  StalledPipe pipe;
  std::atomic<int> descriptor = full;
  std::promise<int> failed;
  std::promise<int> works;
  LineWriter::Options options = OptionsFor(full);
  options.descriptor = [&descriptor] { return descriptor.load(); };
  options.trouble = [&](int error) { (error != 0 ? failed : works).set_value(error); };
  LineWriter writer(std::move(options));
  writer.Add("first\n", false);
  EXPECT_EQ(failed.get_future().get(), ENOSPC);
  EXPECT_TRUE(writer.failing());
  writer.Add("second\n", false);
  descriptor = pipe.writer();
  EXPECT_EQ(pipe.ReadUntil("second"), (std::vector<std::string>{"first", "second"}));
  works.get_future().get();
  EXPECT_FALSE(writer.failing());
  EXPECT_EQ(writer.lost(), 0);
  close(full);
}

TEST(LineWriterTest, TheEndDoesNotWaitForADiskThatIsFull) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  LineWriter writer(OptionsFor(full));
  writer.Add("lost\n", false);
  writer.Stop(absl::Seconds(30));
  EXPECT_EQ(writer.lost(), 1);
  close(full);
}

// The log itself: standard error is a pipe that nobody reads.
TEST(LogTest, AStalledReaderHoldsUpNeitherCallsNorTheEnd) {
  StalledPipe pipe;
  const int errors = dup(STDERR_FILENO);
  StartLog("publication");
  dup2(pipe.writer(), STDERR_FILENO);
  auto logging = std::async(std::launch::async, [] {
    const std::string text(1000, 'x');
    for (int i = 0; i < 30'000; ++i) {
      Log(Severity::kInfo, text);
    }
  });
  const bool logged = logging.wait_for(kPatience) == std::future_status::ready;
  const int64_t lost = LostLogLines();
  auto stopping = std::async(std::launch::async, StopLog);
  const bool stopped = logged && stopping.wait_for(kPatience) == std::future_status::ready;
  // What is stuck in a write gets on, and says what was lost.
  for (int64_t told = 0; told < lost;) {
    const std::string note = pipe.ReadUntil("lines of the log were lost").back();
    told += std::stoll(note.substr(note.rfind(':') + 1));
  }
  dup2(errors, STDERR_FILENO);
  close(errors);
  EXPECT_TRUE(logged);
  EXPECT_TRUE(stopped);
  EXPECT_GT(lost, 0);
}

}  // namespace
}  // namespace section55::base
