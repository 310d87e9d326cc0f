// One service is restored from a backup that is older than what the others know, while people work: what was published stays published, with
// its instant; what was approved is published; what was lost and others hold is taken in again.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "libs/base/status.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "section55/admin/v1/recovery.grpc.pb.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "tests/e2e/main_job.h"
#include "tests/fault/choices.h"
#include "tests/fault/invariants.h"

namespace section55::e2e {
namespace {

using admin::v1::Recovery;
using admin::v1::RecoveryStatus;
using authoring::v1::Response;
using publication::v1::Publication;
using publication::v1::PublicationRecord;
using registry::v1::InspectionRegistry;
using ::testing::AllOf;
using testing::EqualsProto;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using testing::Service;
using ::testing::SizeIs;
using testing::Suite;

constexpr char kReport[] = "safe-to-share";
constexpr char kLater[] = "custody";
constexpr char kMistaken[] = "mistaken";
constexpr char kBoard[] = "kent-board";
constexpr size_t kBodies = 24;
constexpr int kMostAtBackup = 6;
constexpr int kMostLost = 6;
constexpr int kMostWorkers = 3;

struct Plan {
  Service service;
  db::Engine engine;
};
void PrintTo(const Plan& plan, std::ostream* out) { *out << testing::NameOf(plan.service); }

class RestoreTest : public ::testing::TestWithParam<Plan> {
 protected:
  RestoreTest() : suite_({.engine = GetParam().engine}), job_(suite_) {
    for (Area& area : ReadAreas()) {
      if (area.territorial && areas_.size() < kBodies) {
        MakePeople(area);
        areas_.push_back(std::move(area));
      }
    }
    std::shuffle(areas_.begin(), areas_.end(), choices_.random());
    late_ = ReadAreas({"kent"}).front();
    std::erase_if(areas_, [&](const Area& area) { return area.force == late_.force; });
    MakePeople(late_);
  }

  // People at work: each takes the next body and answers for it, and looks around meanwhile.
  void Work() {
    while (!HasFailure()) {
      size_t mine = 0;
      {
        absl::MutexLock lock(&mutex_);
        const auto may_go_on = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !resting_; };
        mutex_.Await(absl::Condition(&may_go_on));
        mine = next_++;
        if (mine >= areas_.size()) {
          return;
        }
        ++busy_;
      }
      const std::string name = ResponseName(areas_[mine], kReport);
      job_.AwaitResponse(name);
      const Response saved = job_.AnswerInFull(areas_[mine], name, "of " + areas_[mine].body);
      absl::MutexLock lock(&mutex_);
      saved_[areas_[mine].body] = saved;
      --busy_;
    }
  }
  static void Join(std::vector<std::thread>& people) {
    for (std::thread& person : people) {
      if (person.joinable()) {
        person.join();
      }
    }
  }
  // Until everybody has finished the body in hand, which is what a person would lose.
  void Rest() {
    absl::MutexLock lock(&mutex_);
    resting_ = true;
    const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return busy_ == 0; };
    mutex_.Await(absl::Condition(&idle));
  }
  void GoOn() {
    absl::MutexLock lock(&mutex_);
    resting_ = false;
  }

  std::map<std::string, PublicationRecord> Publications() {
    publication::v1::ListPublicationsRequest list;
    list.set_parent("bodies/-");
    list.set_page_size(1000);
    std::map<std::string, PublicationRecord> records;
    const auto listed = job_.Do("auditor", &Publication::Stub::ListPublications, list);
    for (const PublicationRecord& record : listed.publications()) {
      records[record.name()] = record;
    }
    return records;
  }
  void AwaitPublications(size_t count) {
    suite_.Until(fmt::format("{} are published", count),
                 [&] { return HasFailure() || Publications().size() >= count; });
  }
  bool IsTold(const PublicationRecord& record) {
    authoring::v1::GetResponseRequest get;
    get.set_name(record.name());
    get.mutable_name()->replace(get.name().find("publications"), 12, "responses");
    const Response response = job_.Do("auditor", &authoring::v1::ResponseAuthoring::Stub::GetResponse, get);
    deadlines::v1::GetDeadlineRequest deadline;
    deadline.set_name(record.name());
    deadline.mutable_name()->replace(deadline.name().find("publications"), 12, "deadlines");
    return response.state() == Response::PUBLISHED &&
           job_.Do("auditor", &deadlines::v1::DeadlineScheduler::Stub::GetDeadline, deadline).state() ==
               deadlines::v1::Deadline::MET;
  }

  // What happens to reports, bodies and forces besides their registration: a correction, a withdrawal, another name, a successor.
  void ChangeTheRegister() {
    registry::v1::CorrectInspectionRequest correct;
    correct.mutable_inspection()->set_name(fmt::format("inspections/{}", kLater));
    correct.mutable_inspection()->set_short_title("Custody in Kent");
    correct.mutable_update_mask()->add_paths("short_title");
    correct.set_reason("Tables need a short title");
    job_.Do("registrar", &InspectionRegistry::Stub::CorrectInspection, correct);
    suite_.AwaitEvent<authoring::v1::ResponseCorrected>(ResponseName(late_, kLater));

    job_.Publish(kMistaken, CustodyReport({late_.force}));
    job_.AwaitResponse(ResponseName(late_, kMistaken));
    registry::v1::WithdrawInspectionRequest withdraw;
    withdraw.set_name(fmt::format("inspections/{}", kMistaken));
    withdraw.set_reason("Published by mistake");
    job_.Do("registrar", &InspectionRegistry::Stub::WithdrawInspection, withdraw);
    suite_.AwaitEvent<authoring::v1::ResponseClosed>(ResponseName(late_, kMistaken));
    suite_.AwaitEvent<deadlines::v1::DeadlineCancelled>(DeadlineName(late_, kMistaken));

    registry::v1::UpdateForceRequest rename;
    rename.mutable_force()->set_name("forces/" + late_.force);
    rename.mutable_force()->set_display_name("Kent Constabulary");
    rename.mutable_update_mask()->add_paths("display_name");
    job_.Do("registrar", &InspectionRegistry::Stub::UpdateForce, rename);
    registry::v1::CreateBodyRequest board;
    board.set_body_id(kBoard);
    board.mutable_body()->set_display_name("Kent Policing and Crime Board");
    board.mutable_body()->set_kind(registry::v1::Body::POLICING_AND_CRIME_BOARD);
    job_.Do("registrar", &InspectionRegistry::Stub::CreateBody, board);
    registry::v1::SucceedBodyRequest succeed;
    succeed.set_name("bodies/" + late_.body);
    succeed.set_successor(fmt::format("bodies/{}", kBoard));
    *succeed.mutable_date() = Date(2028, 5, 8);
    succeed.set_reason("Police and crime commissioners are abolished");
    job_.Do("registrar", &InspectionRegistry::Stub::SucceedBody, succeed);
  }

  // All that the registry says of what was done after the backup.
  std::vector<std::string> ReadRegister() {
    std::vector<std::string> all;
    for (const char* id : {kReport, kLater, kMistaken}) {
      registry::v1::GetInspectionRequest report;
      report.set_name(fmt::format("inspections/{}", id));
      registry::v1::Inspection found = job_.Do("registrar", &InspectionRegistry::Stub::GetInspection, report);
      found.clear_etag();
      all.push_back(found.DebugString());
      registry::v1::ListInspectionRevisionsRequest revisions;
      revisions.set_parent(report.name());
      all.push_back(job_.Do("registrar", &InspectionRegistry::Stub::ListInspectionRevisions, revisions).DebugString());
    }
    // A restored service gives new etags to what it still has.
    auto forces = job_.Do("registrar", &InspectionRegistry::Stub::ListForces, {});
    for (auto& force : *forces.mutable_forces()) {
      force.clear_etag();
    }
    all.push_back(forces.DebugString());
    auto bodies = job_.Do("registrar", &InspectionRegistry::Stub::ListBodies, {});
    for (auto& body : *bodies.mutable_bodies()) {
      body.clear_etag();
    }
    all.push_back(bodies.DebugString());
    return all;
  }

  RecoveryStatus GetRecovery(Service service) {
    return job_.DoOn(service, "operator", &Recovery::Stub::GetRecovery, {});
  }

  testing::Outcome Run(const std::vector<std::string>& command) {
    return testing::Run(suite_.CommandOf(GetParam().service, command));
  }
  void Restore(const std::filesystem::path& backup) {
    std::vector<std::string> command = {"restore", "--from=" + backup.string()};
    if (GetParam().engine == db::Engine::kMysql) {
      suite_.UseNewDatabase(GetParam().service);
    } else {
      command.emplace_back("--replace");
    }
    const testing::Outcome restored = Run(command);
    ASSERT_EQ(restored.exit_code, 0) << restored.errors;
  }

  fault::Choices choices_;
  const int workers_ = choices_.Between(1, kMostWorkers);
  // How many bodies have published when the backup is begun, and how many more after it was made when what came after it is lost.
  const size_t at_backup_ = choices_.Between(1, kMostAtBackup);
  const size_t lost_ = choices_.Between(1, kMostLost);
  Suite suite_;
  MainJob job_;
  std::vector<Area> areas_;
  Area late_;  // registered after the backup

  absl::Mutex mutex_;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  int busy_ ABSL_GUARDED_BY(mutex_) = 0;
  bool resting_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Response> saved_ ABSL_GUARDED_BY(mutex_);
};

TEST_P(RestoreTest, NothingPublishedIsDatedAnewAndNothingApprovedStaysUnpublished) {
  const Service service = GetParam().service;
  const testing::TemporaryFolder folder;
  const std::filesystem::path backup = folder.path() / "backup";
  job_.Register(areas_);
  job_.RegisterRecipients();
  job_.Publish(kReport, SafeToShare());
  std::vector<std::thread> people;
  for (int worker = 0; worker < workers_; ++worker) {
    people.emplace_back([this] { Work(); });
  }
  AwaitPublications(at_backup_);
  const testing::Outcome made = Run({"backup", "--to=" + backup.string()});
  ASSERT_EQ(made.exit_code, 0) << made.errors;
  EXPECT_EQ(std::filesystem::status(backup).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  // At most so many are in the backup.
  const size_t published_then = Publications().size();
  ASSERT_LE(published_then + lost_, areas_.size()) << "the backup took so long that nothing is left to be lost";
  EXPECT_EQ(Run({"backup", "--to=" + backup.string()}).exit_code, 1) << "a backup overwrites nothing";
  EXPECT_EQ(Run({"verify", "--from=" + backup.string()}).output.substr(backup.string().size()),
            made.output.substr(backup.string().size()));

  // What comes now is lost.
  job_.Register({late_});
  job_.Publish(kLater, CustodyReport({late_.force}));
  job_.AwaitResponse(ResponseName(late_, kLater));
  job_.AwaitDeadline(DeadlineName(late_, kLater));
  ChangeTheRegister();
  const std::vector<std::string> register_then = ReadRegister();
  AwaitPublications(published_then + lost_);
  const bool all_done = service == Service::kDeadlines;
  if (all_done) {
    Join(people);
    job_.AnswerInFull(late_, ResponseName(late_, kLater), "Kent");
    suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(late_, kLater));
  }
  Rest();
  const size_t answered = [&] {
    absl::MutexLock lock(&mutex_);
    return saved_.size();
  }();
  AwaitPublications(answered + (all_done ? 1 : 0));
  const std::map<std::string, PublicationRecord> before = Publications();
  suite_.Until("everybody has heard of what was published", [&] {
    return std::all_of(before.begin(), before.end(), [&](const auto& one) { return IsTold(one.second); });
  });
  // Whatever is dated from now on of what was published is dated wrongly; and a timer that fires before all is known again would say that
  // it was missed.
  suite_.SetTime(all_done ? London(2021, 3, 1, 10, 0) : London(2021, 1, 12, 10, 0));
  if (service != Service::kAuthoring) {
    GoOn();  // a draft that is being written where it is restored is lost
  }
  Resources resources(suite_);
  ASSERT_EQ(suite_.Stop(service), 0);
  Restore(backup);
  suite_.Start(service);
  suite_.AwaitServing(service);
  GoOn();

  const RecoveryStatus recovery = GetRecovery(service);
  EXPECT_TRUE(recovery.has_backup_time());
  EXPECT_THAT(recovery.awaited_followers(), SizeIs(0));
  EXPECT_THAT(recovery.awaited_sources(), SizeIs(0));
  for (const admin::v1::RecoveryFinding& finding : recovery.findings()) {
    EXPECT_TRUE(!finding.open() || service == Service::kPublication) << finding.ShortDebugString();
  }
  Join(people);
  for (const Area& area : areas_) {
    suite_.AwaitEvent<publication::v1::ResponsePublished>(PublicationName(area, kReport));
    job_.AwaitPublished(ResponseName(area, kReport));
  }

  const std::map<std::string, PublicationRecord> after = Publications();
  EXPECT_THAT(after, SizeIs(areas_.size() + (all_done ? 1 : 0)));
  for (const auto& [name, record] : before) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(after.contains(name));
    EXPECT_THAT(after.at(name), EqualsProto(record));
    publication::v1::ListCopiesRequest copies;
    copies.set_parent(name);
    EXPECT_THAT(job_.Do("auditor", &Publication::Stub::ListCopies, copies).copies(), SizeIs(4));
  }
  suite_.Until("everybody has heard of all that was published", [&] {
    return std::all_of(after.begin(), after.end(), [&](const auto& one) { return IsTold(one.second); });
  });
  for (const Area& area : areas_) {
    SCOPED_TRACE(area.body);
    const Response response = job_.Get("auditor", ResponseName(area, kReport));
    const PublicationRecord& record = after.at(PublicationName(area, kReport));
    EXPECT_THAT(response.publish_time(), EqualsProto(record.published_time()));
    deadlines::v1::GetDeadlineRequest get;
    get.set_name(DeadlineName(area, kReport));
    const auto deadline = job_.Do("auditor", &deadlines::v1::DeadlineScheduler::Stub::GetDeadline, get);
    EXPECT_THAT(deadline.met_time(), EqualsProto(record.published_time()));
    EXPECT_EQ(deadline.met_day_number(), record.day_number());
    absl::MutexLock lock(&mutex_);
    EXPECT_EQ(response.comments(), saved_[area.body].comments());
    EXPECT_EQ(response.monitoring(), saved_[area.body].monitoring());
  }
  for (const common::v1::Event& event : suite_.ListFeed(Service::kDeadlines)) {
    deadlines::v1::DeadlineMissed missed;
    EXPECT_FALSE(event.payload().UnpackTo(&missed) && before.contains([&] {
      std::string name = missed.deadline().name();
      return name.replace(name.find("deadlines"), 9, "publications");
    }()))
        << "of what was published: " << event.subject();
  }
  // What was registered after the backup is there, once, and is answered as any.
  EXPECT_THAT(ReadRegister(), ::testing::ElementsAreArray(register_then));
  EXPECT_EQ(job_.Get("auditor", ResponseName(late_, kLater)).correction().revision(), 2);
  EXPECT_EQ(job_.Get("auditor", ResponseName(late_, kMistaken)).state(), Response::WITHDRAWN);
  if (!all_done) {
    job_.AnswerInFull(late_, ResponseName(late_, kLater), "Kent");
  }
  suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(late_, kLater));

  // Whoever reads the logs knows what happened.
  if (service != Service::kDeadlines) {  // whom nobody follows
    EXPECT_THAT(suite_.Log(service), AllOf(HasSubstr("restored from a backup, and waiting for"),
                                           HasSubstr("a follower has given back what it holds")));
    const Service follower = service == Service::kAuthoring ? Service::kPublication : Service::kDeadlines;
    EXPECT_THAT(suite_.Log(follower),
                HasSubstr("the source was restored from a backup; following it on from what both have"));
  }
  resources.ExpectBack();
  Invariants invariants(suite_, job_, kReport, {});
  invariants.ExpectFollowersAtTheEnd();
  invariants.ExpectNoJobLeft();
  EXPECT_GT(ExpectNothingDamaged(suite_), 0);
  const RecoveryStatus in_the_end = GetRecovery(service);
  for (const admin::v1::RecoveryFinding& finding : in_the_end.findings()) {
    EXPECT_FALSE(finding.open()) << finding.ShortDebugString();
  }
  if (service == Service::kRegistry) {
    std::vector<std::string> subjects;
    for (const auto& finding : recovery.findings()) {
      subjects.push_back(finding.subject());
    }
    EXPECT_THAT(subjects,
                IsSupersetOf({"forces/" + late_.force, "bodies/" + late_.body, fmt::format("inspections/{}", kLater),
                              fmt::format("inspections/{}", kMistaken)}));
  }
  if (service == Service::kAuthoring || service == Service::kPublication) {
    // What each worker had just approved may be in the backup, though it was not published yet.
    EXPECT_THAT(in_the_end.findings(), SizeIs(::testing::Ge(before.size() - published_then - workers_)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Services, RestoreTest,
    ::testing::Values(Plan{Service::kRegistry, db::Engine::kSqlite}, Plan{Service::kAuthoring, db::Engine::kSqlite},
                      Plan{Service::kDeadlines, db::Engine::kSqlite}, Plan{Service::kPublication, db::Engine::kSqlite},
                      Plan{Service::kRegistry, db::Engine::kMysql}, Plan{Service::kAuthoring, db::Engine::kMysql},
                      Plan{Service::kDeadlines, db::Engine::kMysql}, Plan{Service::kPublication, db::Engine::kMysql}),
    [](const auto& plan) {
      std::string name = testing::NameOf(plan.param.service);
      std::erase(name, '-');
      return name + (plan.param.engine == db::Engine::kSqlite ? "_Sqlite" : "_Mysql");
    });

// Approvals that publication has not heard of: one that is in the backup, and one that is not.
class ApprovalOnItsWayTest : public RestoreTest {};

TEST_P(ApprovalOnItsWayTest, IsPublishedOnceOrApprovedAgain) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path backup = folder.path() / "backup";
  const std::vector<Area> areas(areas_.begin(), areas_.begin() + 2);
  const std::string saved = ResponseName(areas[0], kReport);
  const std::string lost = ResponseName(areas[1], kReport);
  job_.Register(areas);
  job_.Publish(kReport, SafeToShare());
  for (const Area& area : areas) {
    const std::string name = ResponseName(area, kReport);
    job_.AwaitResponse(name);
    job_.Invite(area, name, Date(2021, 1, 14));
    job_.Comment(area, name);
    job_.Write(area, job_.Get(area.force + "-author", name), "of " + area.body);
    job_.Submit(area, name);
  }
  // Publication answers whether a response can be published, but whoever holds its cursor keeps it from hearing of anything.
  const absl::Status held = suite_.OpenDatabase(Service::kPublication)->Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute("UPDATE follower_cursors SET position = position + 1 WHERE source = ?",
                               {testing::NameOf(Service::kAuthoring)})
                        .status());
    job_.Approve(areas[0], saved);
    const testing::Outcome made = Run({"backup", "--to=" + backup.string()});
    EXPECT_EQ(made.exit_code, 0) << made.errors;
    job_.Approve(areas[1], lost);
    EXPECT_EQ(suite_.Stop(Service::kAuthoring), 0);
    // Before it gets on: it may have been sent both already.
    suite_.Kill(Service::kPublication);
    return absl::CancelledError("the cursor stays where it was");
  });
  ASSERT_TRUE(absl::IsCancelled(held)) << held;
  Restore(backup);
  suite_.Start(Service::kAuthoring);
  suite_.Start(Service::kPublication);
  suite_.AwaitServing(Service::kAuthoring);

  job_.AwaitPublished(saved);
  // Nobody knows of the other any more: its approver is asked again.
  EXPECT_EQ(job_.Get("auditor", lost).state(), Response::IN_REVIEW);
  EXPECT_THAT(Publications(), SizeIs(1));
  job_.Approve(areas[1], lost);
  job_.AwaitPublished(lost);
  EXPECT_THAT(Publications(), SizeIs(2));
  std::map<std::string, int> published;
  for (const common::v1::Event& event : suite_.ListFeed(Service::kPublication)) {
    published[event.subject()] += event.payload().Is<publication::v1::ResponsePublished>() ? 1 : 0;
  }
  for (const Area& area : areas) {
    EXPECT_EQ(published[PublicationName(area, kReport)], 1) << area.body;
  }
  Invariants invariants(suite_, job_, kReport, {});
  invariants.ExpectFollowersAtTheEnd();
  invariants.ExpectNoJobLeft();
  EXPECT_GT(ExpectNothingDamaged(suite_), 0);
  EXPECT_THAT(GetRecovery(Service::kAuthoring).findings(), SizeIs(0));
}

INSTANTIATE_TEST_SUITE_P(Engines, ApprovalOnItsWayTest,
                         ::testing::Values(Plan{Service::kAuthoring, db::Engine::kSqlite},
                                           Plan{Service::kAuthoring, db::Engine::kMysql}),
                         [](const auto& plan) {
                           return plan.param.engine == db::Engine::kSqlite ? "Sqlite" : "Mysql";
                         });

}  // namespace
}  // namespace section55::e2e
