// An SQLite process is killed with SIGKILL while 16 threads write: every acknowledged row is there after reopening.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "libs/db/database.h"
#include "libs/testing/databases.h"

namespace section55::db {
namespace {

constexpr int kThreads = 16;

// Never returns. Writes the number of each row to `acknowledge` once Write has returned OK.
[[noreturn]] void WriteForEver(const Options& options, int64_t first, int acknowledge) {
  auto database = Open(options);
  if (!database.ok()) {
    _exit(1);
  }
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t number = first + thread;; number += kThreads) {
        const absl::Status status = (*database)->Write(
            [&](Transaction& tx) { return tx.Execute("INSERT INTO numbers (number) VALUES (?)", {number}).status(); });
        // So short a write to a pipe is whole or not at all.
        if (!status.ok() || write(acknowledge, &number, sizeof(number)) != sizeof(number)) {
          _exit(1);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  _exit(1);
}

TEST(SqliteDurabilityTest, KilledWhileWriting) {
  testing::TestDatabase database(
      Engine::kSqlite, {{"test", {{1, "numbers", "CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT"}}, {}}});
  const Options options = database.options();
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    database.Close();
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      WriteForEver(options, round * int64_t{1'000'000}, ends[1]);
    }
    close(ends[1]);
    std::set<int64_t> acknowledged;
    int64_t number = 0;
    // Killed in the middle of things, at another moment each time; what was acknowledged before is still in the pipe.
    for (const size_t enough = 1000 + 777 * round; read(ends[0], &number, sizeof(number)) == sizeof(number);) {
      acknowledged.insert(number);
      if (acknowledged.size() == enough) {
        kill(child, SIGKILL);
      }
    }
    close(ends[0]);
    int outcome = 0;
    waitpid(child, &outcome, 0);
    ASSERT_TRUE(WIFSIGNALED(outcome)) << "the child ended by itself";

    database.Reopen();
    std::set<int64_t> found;
    ASSERT_TRUE(database
                    ->Read([&](Transaction& tx) {
                      return tx.Query("SELECT number FROM numbers WHERE number >= ?", {round * int64_t{1'000'000}},
                                      [&](const Row& row) { found.insert(row.Int64(0)); });
                    })
                    .ok());
    for (const int64_t written : acknowledged) {
      EXPECT_TRUE(found.contains(written)) << written << " was acknowledged";
    }
    // Each thread had at most one write under way.
    EXPECT_LE(found.size(), acknowledged.size() + kThreads);
  }
}

}  // namespace
}  // namespace section55::db
