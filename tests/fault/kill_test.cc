// kill -9 of the services in the middle of the main job, at random points, many times; of MariaDB too. The people at work repeat a
// call that was cut short with the same request id. In the end nothing is lost and nothing is doubled.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "libs/base/ids.h"
#include "libs/testing/mariadb.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "tests/e2e/main_job.h"

namespace section55::e2e {
namespace {

using authoring::v1::Response;
using publication::v1::Publication;
using ::testing::ElementsAre;
using testing::EqualsProto;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::kServices;
using testing::MariaDb;
using testing::Service;
using ::testing::SizeIs;
using testing::Suite;

constexpr char kReport[] = "safe-to-share";
constexpr char kSeedVariable[] = "SECTION55_KILL_SEED";
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

unsigned Seed() {
  const char* given = std::getenv(kSeedVariable);
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
}

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
  KillTest()
      : seed_(Seed()),
        suite_({.engine = GetParam().engine, .on_attempt = [this] { progress_.Attempt(); }}),
        job_(suite_) {
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
          saved_[i] = job_.AnswerInFull(areas_[i], name, "of " + areas_[i].body);
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
    std::mt19937 random(seed_);
    const auto choose = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
    int kills = 0;
    while (kills < GetParam().kills) {
      const int attempts = choose(1, kMostBetweenKills);
      const absl::Duration moment = kLongestDelay * choose(0, 1000) / 1000;
      const Service victim = kServices[choose(0, kServices.size() - 1)];
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

  void ExpectEverythingOnce();
  void ExpectFeedsWhole();
  void ExpectFollowersAtTheEnd();
  void ExpectNoJobLeft();
  void ExpectHistoryWhole();
  void ExpectNothingDamaged();

  const unsigned seed_;
  Progress progress_;
  Suite suite_;
  MainJob job_;
  std::vector<Area> areas_;
  // The last acknowledged text of each body.
  std::vector<Response> saved_;
};

void KillTest::ExpectEverythingOnce() {
  const auto all = areas_.size();
  registry::v1::ListForcesRequest forces;
  forces.set_page_size(1000);
  EXPECT_THAT(job_.Do("auditor", &registry::v1::InspectionRegistry::Stub::ListForces, forces).forces(), SizeIs(all));
  registry::v1::ListBodiesRequest bodies;
  bodies.set_page_size(1000);
  EXPECT_THAT(job_.Do("auditor", &registry::v1::InspectionRegistry::Stub::ListBodies, bodies).bodies(), SizeIs(all));
  authoring::v1::ListResponsesRequest responses;
  responses.set_parent("bodies/-");
  responses.set_page_size(200);
  EXPECT_THAT(job_.Do("auditor", &authoring::v1::ResponseAuthoring::Stub::ListResponses, responses).responses(),
              SizeIs(all));
  deadlines::v1::ListDeadlinesRequest deadlines;
  deadlines.set_parent("bodies/-");
  deadlines.set_page_size(1000);
  EXPECT_THAT(job_.Do("auditor", &deadlines::v1::DeadlineScheduler::Stub::ListDeadlines, deadlines).deadlines(),
              SizeIs(all));
  publication::v1::ListPublicationsRequest publications;
  publications.set_parent("bodies/-");
  publications.set_page_size(1000);
  const auto published = job_.Do("auditor", &Publication::Stub::ListPublications, publications);
  EXPECT_THAT(published.publications(), SizeIs(all));

  for (size_t i = 0; i < areas_.size(); ++i) {
    const Area& area = areas_[i];
    SCOPED_TRACE(area.body);
    const Response response = job_.Get(area.force + "-author", ResponseName(area, kReport));
    EXPECT_EQ(response.state(), Response::PUBLISHED);
    EXPECT_THAT(response.chief_officer().contributions(), SizeIs(2));
    // What was acknowledged is what stands.
    EXPECT_THAT(response.key_findings(), ::testing::HasSubstr("of " + area.body));
    EXPECT_EQ(response.comments(), saved_[i].comments());
    EXPECT_EQ(response.key_findings(), saved_[i].key_findings());
    EXPECT_EQ(response.monitoring(), saved_[i].monitoring());
    ASSERT_THAT(response.answers(), SizeIs(4));
    for (int answer = 0; answer < 4; ++answer) {
      EXPECT_THAT(response.answers(answer), EqualsProto(saved_[i].answers(answer)));
    }
    deadlines::v1::GetDeadlineRequest get_deadline;
    get_deadline.set_name(DeadlineName(area, kReport));
    const auto deadline = job_.Do("auditor", &deadlines::v1::DeadlineScheduler::Stub::GetDeadline, get_deadline);
    EXPECT_EQ(deadline.state(), deadlines::v1::Deadline::MET);
    EXPECT_EQ(deadline.met_day_number(), 1);

    publication::v1::ListCopiesRequest copies;
    copies.set_parent(PublicationName(area, kReport));
    EXPECT_THAT(job_.Do("auditor", &Publication::Stub::ListCopies, copies).copies(), SizeIs(4));
    publication::v1::GetPublicationRequest get_publication;
    get_publication.set_name(PublicationName(area, kReport));
    const auto record = job_.Do("auditor", &Publication::Stub::GetPublication, get_publication);
    publication::v1::GetRenditionRequest get_rendition;
    get_rendition.set_name(record.name());
    get_rendition.set_format(publication::v1::GetRenditionRequest::JSON);
    // Not as the auditor, who has just ended many streams: each counts until the service has seen that it ended.
    const auto context = Suite::As(area.force + "-author");
    const auto stream =
        Publication::NewStub(suite_.channel(Service::kPublication))->GetRendition(context.get(), get_rendition);
    std::string json;
    publication::v1::GetRenditionResponse chunk;
    while (stream->Read(&chunk)) {
      json += chunk.data();
    }
    EXPECT_THAT(stream->Finish(), IsOk());
    EXPECT_EQ(record.content_hash(), base::Sha256Hex(json));
    EXPECT_THAT(json, ::testing::HasSubstr(saved_[i].comments()));
  }
}

void KillTest::ExpectFeedsWhole() {
  // The types of the events of each subject, in their order.
  std::map<std::string, std::vector<std::string>> expected;
  for (const Area& area : areas_) {
    expected["bodies/" + area.body] = {"BodyRegistered"};
    expected[ResponseName(area, kReport)] = {"ResponseOpened", "ChiefOfficerInvited", "ChiefOfficerCommented",
                                             "ResponseSubmitted", "ResponseApproved"};
    expected[DeadlineName(area, kReport)] = {"DeadlineOpened", "DeadlineMet"};
    expected[PublicationName(area, kReport)] = {"ResponsePublished"};
  }
  expected[fmt::format("inspections/{}", kReport)] = {"InspectionPublished"};
  std::map<std::string, std::vector<std::string>> found;
  std::set<std::string> ids;
  for (const Service service : kServices) {
    int64_t position = 0;
    for (const common::v1::Event& event : suite_.ListFeed(service)) {
      EXPECT_EQ(event.position(), ++position) << "a gap in the feed of " << testing::NameOf(service);
      EXPECT_TRUE(ids.insert(event.event_id()).second) << event.event_id() << " stands twice";
      const std::string& type = event.payload().type_url();
      found[event.subject()].push_back(type.substr(type.rfind('.') + 1));
    }
  }
  EXPECT_EQ(found, expected);
}

void KillTest::ExpectFollowersAtTheEnd() {
  for (const Service service : kServices) {
    SCOPED_TRACE(testing::NameOf(service));
    EXPECT_THAT(job_.DoOn(service, "operator", &admin::v1::Admin::Stub::ListParkedEvents, {}).parked_events(),
                IsEmpty());
    suite_.Until("every follower is at the end of its source", [&] {
      const auto status = job_.DoOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {});
      return std::all_of(status.followers().begin(), status.followers().end(),
                         [](const admin::v1::FollowerStatus& follower) {
                           return follower.connected() && follower.position() > 0 &&
                                  follower.position() == follower.source_head_position();
                         });
    });
  }
}

void KillTest::ExpectNoJobLeft() {
  for (const Service service : kServices) {
    SCOPED_TRACE(testing::NameOf(service));
    const auto jobs = job_.DoOn(service, "operator", &admin::v1::Admin::Stub::ListJobs, {});
    for (const admin::v1::Job& job : jobs.jobs()) {
      // What waits for the chief officers' day, and has nothing to record then.
      EXPECT_EQ(job.kind(), "record-silence") << job.ShortDebugString();
      EXPECT_TRUE(!job.parked() && job.attempts() == 0) << job.ShortDebugString();
    }
    const auto status = job_.DoOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {});
    EXPECT_EQ(status.parked_jobs(), 0);
    EXPECT_EQ(status.waiting_jobs(), jobs.jobs_size());
  }
}

void KillTest::ExpectHistoryWhole() {
  // How often each kind of part of each response was changed, whatever was repeated.
  std::map<std::string, std::map<std::string, int>> found;
  const auto database = suite_.OpenDatabase(Service::kAuthoring);
  EXPECT_THAT(database->Read([&](db::Transaction& tx) {
    found.clear();
    return tx.Query("SELECT body, part FROM part_history", {}, [&](const db::Row& row) {
      const std::string part(row.Text(1));
      ++found[std::string(row.Text(0))][part.substr(0, part.find('/'))];
    });
  }),
              IsOk());
  EXPECT_THAT(found, SizeIs(areas_.size()));
  for (const auto& [body, parts] : found) {
    SCOPED_TRACE(body);
    for (const char* once : {"key_findings", "comments", "reply_to_chief_officer", "monitoring", "signatory"}) {
      EXPECT_EQ(parts.contains(once) ? parts.at(once) : 0, 1) << once;
    }
    EXPECT_EQ(parts.contains("answers") ? parts.at("answers") : 0, 4);
    EXPECT_EQ(parts.contains("contributions") ? parts.at("contributions") : 0, 2);
    EXPECT_EQ(parts.contains("state") ? parts.at("state") : 0, 4) << "OPEN, IN_REVIEW, APPROVED, PUBLISHED";
  }
}

void KillTest::ExpectNothingDamaged() {
  for (const Service service : kServices) {
    SCOPED_TRACE(testing::NameOf(service));
    const auto checked = job_.DoOn(service, "operator", &admin::v1::Admin::Stub::CheckStorage, {});
    EXPECT_GT(checked.rows_read(), 0);
    EXPECT_THAT(checked.damaged_rows(), IsEmpty());
  }
}

TEST_P(KillTest, NothingIsLostOrDoubled) {
  const std::string again = fmt::format("{}={} kill_test --gtest_filter=*{}", kSeedVariable, seed_, GetParam().name);
  fmt::print("The same kills again: {}\n", again);
  std::fflush(stdout);
  SCOPED_TRACE(again);
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
  ExpectEverythingOnce();
  ExpectFeedsWhole();
  ExpectFollowersAtTheEnd();
  ExpectNoJobLeft();
  ExpectHistoryWhole();
  ExpectNothingDamaged();
}

INSTANTIATE_TEST_SUITE_P(Engines, KillTest,
                         ::testing::Values(Plan{"Sqlite", db::Engine::kSqlite, 43, 60, 0},
                                           Plan{"Mysql", db::Engine::kMysql, 20, 21, 7}),
                         [](const auto& plan) { return plan.param.name; });

}  // namespace
}  // namespace section55::e2e
