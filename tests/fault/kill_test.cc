// kill -9 of the services in the middle of the main job, at random points, many times; of MariaDB too. The people at work repeat a
// call that was cut short with the same request id. In the end nothing is lost and nothing is doubled.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/mutex.h"
#include "libs/testing/mariadb.h"
#include "libs/testing/suite.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "tests/e2e/main_job.h"
#include "tests/fault/choices.h"
#include "tests/fault/invariants.h"

namespace section55::e2e {
namespace {

using authoring::v1::Response;
using testing::kServices;
using testing::MariaDb;
using testing::Service;
using testing::Suite;

constexpr char kReport[] = "safe-to-share";
constexpr int kWorkers = 3;
// Attempts at calls between two kills: at random from 1 to this.
constexpr int kMostBetweenKills = 10;
constexpr absl::Duration kLongestDelay = absl::Milliseconds(5);

struct Plan {
  const char* name;
  db::Engine engine;
  size_t bodies;
  int kills;
  // Every how many kills the database server is killed instead of a service; 0: never.
  int database_every;
};
void PrintTo(const Plan& plan, std::ostream* out) { *out << plan.name; }

// How many attempts were made, and whether the work is done.
class Progress {
 public:
  void Attempt() {
    absl::MutexLock lock(&mutex_);
    ++attempts_;
  }
  void Finish() {
    absl::MutexLock lock(&mutex_);
    finished_ = true;
  }
  // Waits for so many attempts more than the last time, and a moment longer so as to fall into the middle of something. False: the
  // work is done.
  bool AwaitMore(int attempts, absl::Duration moment) {
    absl::MutexLock lock(&mutex_);
    target_ += attempts;
    mutex_.Await(absl::Condition(this, &Progress::Reached));
    mutex_.AwaitWithTimeout(absl::Condition(&finished_), moment);
    return !finished_;
  }

 private:
  bool Reached() const { return finished_ || attempts_ >= target_; }
  absl::Mutex mutex_;
  int attempts_ = 0;
  int target_ = 0;
  bool finished_ = false;
};

class KillTest : public ::testing::TestWithParam<Plan> {
 protected:
  KillTest() : suite_({.engine = GetParam().engine, .on_attempt = [this] { progress_.Attempt(); }}), job_(suite_) {
    for (Area& area : ReadAreas()) {
      if (area.territorial && areas_.size() < GetParam().bodies) {
        MakePeople(area);
        areas_.push_back(std::move(area));
      }
    }
    saved_.resize(areas_.size());
  }

  // What the people do, from the first force to the last deadline met.
  void Work() {
    job_.Register(areas_);
    job_.Publish(kReport, SafeToShare());
    std::vector<std::thread> workers;
    for (int worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([this, worker] {
        for (size_t i = worker; i < areas_.size() && !HasFailure(); i += kWorkers) {
          const std::string name = ResponseName(areas_[i], kReport);
          job_.AwaitResponse(name);
          saved_[i] = job_.AnswerWithDetours(areas_[i], name, "of " + areas_[i].body);
        }
      });
    }
    for (std::thread& worker : workers) {
      worker.join();
    }
    for (const Area& area : areas_) {
      if (HasFailure()) {
        break;
      }
      suite_.AwaitEvent<publication::v1::ResponsePublished>(PublicationName(area, kReport));
      suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(area, kReport));
      job_.AwaitPublished(ResponseName(area, kReport));
    }
    progress_.Finish();
  }

  // In the main thread, which the processes it starts belong to.
  int KillAround() {
    int kills = 0;
    while (kills < GetParam().kills) {
      const int attempts = choices_.Between(1, kMostBetweenKills);
      const absl::Duration moment = choices_.UpTo(kLongestDelay);
      const Service victim = kServices[choices_.Between(0, kServices.size() - 1)];
      if (!progress_.AwaitMore(attempts, moment)) {
        break;
      }
      ++kills;
      if (GetParam().database_every > 0 && kills % GetParam().database_every == 0) {
        MariaDb::Get().Kill();
        MariaDb::Get().Start();
        // A service that was just starting has ended, as it should without a database: whoever runs it starts it again.
        for (const Service service : kServices) {
          while (!suite_.BecomesServing(service)) {
            suite_.Start(service);
          }
        }
        continue;
      }
      suite_.Kill(victim);
      suite_.Start(victim);
    }
    return kills;
  }

  fault::Choices choices_;
  Progress progress_;
  Suite suite_;
  MainJob job_;
  std::vector<Area> areas_;
  // The last acknowledged text of each body.
  std::vector<Response> saved_;
};

TEST_P(KillTest, NothingIsLostOrDoubled) {
  Resources resources(suite_);
  std::thread people([this] { Work(); });
  const int kills = KillAround();
  people.join();
  EXPECT_EQ(kills, GetParam().kills) << "the work was done before all kills were";
  if (HasFailure()) {
    return;
  }
  for (const Service service : kServices) {
    suite_.AwaitServing(service);
  }
  std::vector<Answered> answered;
  for (size_t i = 0; i < areas_.size(); ++i) {
    answered.push_back({areas_[i], saved_[i], true});
  }
  Invariants(suite_, job_, kReport, std::move(answered)).Check();
  resources.ExpectBack();
}

INSTANTIATE_TEST_SUITE_P(Engines, KillTest,
                         ::testing::Values(Plan{"Sqlite", db::Engine::kSqlite, 43, 60, 0},
                                           Plan{"Mysql", db::Engine::kMysql, 20, 21, 7}),
                         [](const auto& plan) { return plan.param.name; });

}  // namespace
}  // namespace section55::e2e
