#include "libs/service/prune.h"

#include <gmock/gmock.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace section55::service {
namespace {

// Rows that can be pruned, and what was asked for.
class Rows {
 public:
  explicit Rows(int64_t rows) : left_(rows) {}

  Pruning::Kind Kind(const std::string& what) {
    return {what, [this](int limit) -> absl::StatusOr<int64_t> {
              absl::MutexLock lock(&mutex_);
              const int64_t some = std::min<int64_t>(left_, limit);
              left_ -= some;
              largest_ = std::max(largest_, some);
              ++batches_;
              return some;
            }};
  }
  void AwaitEmpty() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](int64_t* left) { return *left == 0; }, &left_));
  }
  int64_t left() {
    absl::MutexLock lock(&mutex_);
    return left_;
  }
  int64_t largest() {
    absl::MutexLock lock(&mutex_);
    return largest_;
  }

 private:
  absl::Mutex mutex_;
  int64_t left_;
  int64_t largest_ = 0;
  int batches_ = 0;
};

TEST(PruneTest, DeletesAllThatThereIsInBatches) {
  Rows answers(12'345);
  Rows events(3);
  Pruning pruning({answers.Kind("answers"), events.Kind("events")}, absl::InfiniteDuration());
  pruning.Start();
  answers.AwaitEmpty();
  events.AwaitEmpty();
  pruning.Stop();
  EXPECT_LE(answers.largest(), 1000);
}

TEST(PruneTest, StopsBetweenTwoBatches) {
  absl::Notification first;
  absl::Notification stopping;
  std::atomic<int> batches = 0;
  Pruning pruning({{"answers",
                    [&](int limit) -> absl::StatusOr<int64_t> {
                      if (++batches == 1) {
                        first.Notify();
                        stopping.WaitForNotification();
                      }
                      return limit;  // there is no end of them
                    }}},
                  absl::InfiniteDuration());
  pruning.Start();
  first.WaitForNotification();
  std::thread release([&] { stopping.Notify(); });
  pruning.Stop();  // or this never ends
  release.join();
  EXPECT_GE(batches, 1);
}

TEST(PruneTest, OneKindThatFailsHoldsUpNoOther) {
  Rows events(3);
  Pruning pruning({{"answers", [](int) -> absl::StatusOr<int64_t> { return absl::UnavailableError("away"); }},
                   events.Kind("events")},
                  absl::InfiniteDuration());
  pruning.Start();
  events.AwaitEmpty();
  pruning.Stop();
}

TEST(PruneTest, GoesOnAfterThePauseAndWhenStartedAgain) {
  std::atomic<int> rounds = 0;
  absl::Notification twice;
  Pruning pruning({{"answers",
                    [&](int) -> absl::StatusOr<int64_t> {
                      if (++rounds == 2) {
                        twice.Notify();
                      }
                      return 0;
                    }}},
                  absl::ZeroDuration());
  pruning.Start();
  twice.WaitForNotification();
  pruning.Stop();
  const int before = rounds;
  pruning.Start();
  while (rounds == before) {
  }
  pruning.Stop();
}

}  // namespace
}  // namespace section55::service
