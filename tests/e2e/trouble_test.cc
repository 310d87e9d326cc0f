// What goes wrong in one place stays there: a response that cannot be published, a feed that says something new, a source restored
// from a backup, a damaged row.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <array>
#include <filesystem>
#include <map>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "tests/e2e/main_job.h"
#include "tests/fault/invariants.h"

namespace section55::e2e {
namespace {

using admin::v1::Admin;
using admin::v1::FollowerStatus;
using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;
using deadlines::v1::Deadline;
using deadlines::v1::DeadlineScheduler;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::Service;
using ::testing::SizeIs;
using testing::StatusIs;
using testing::Suite;

constexpr char kReport[] = "safe-to-share";
constexpr char kRegistry[] = "inspection-registry";

class TroubleTest : public ::testing::TestWithParam<db::Engine> {
 protected:
  TroubleTest() : suite_({.engine = GetParam()}), resources_(suite_), job_(suite_) {}

  // Whatever happened is over: the services let go of what they took, and nothing is damaged.
  void TearDown() override {
    if (!HasFailure()) {
      resources_.ExpectBack();
      EXPECT_GT(ExpectNothingDamaged(suite_), 0);
    }
  }

  static Area AreaOf(const std::string& force) { return ReadAreas({force}).front(); }

  // Changes what a service has stored, while it is stopped.
  void Tamper(Service service, db::Body body) {
    ASSERT_EQ(suite_.Stop(service), 0);
    ASSERT_THAT(suite_.OpenDatabase(service)->Write(body), IsOk());
    Start(service);
  }
  void Start(Service service) {
    suite_.Start(service);
    suite_.AwaitServing(service);
  }
  void StartAnew(Service service) {
    EXPECT_EQ(suite_.Stop(service), 0);
    Start(service);
  }

  FollowerStatus FollowerOf(Service service, std::string_view source) {
    const auto status = job_.DoOn(service, "operator", &Admin::Stub::GetStatus, {});
    for (const FollowerStatus& follower : status.followers()) {
      if (follower.source() == source) {
        return follower;
      }
    }
    ADD_FAILURE() << testing::NameOf(service) << " does not follow " << source;
    return {};
  }
  bool AtTheEnd(Service service, std::string_view source) {
    const FollowerStatus follower = FollowerOf(service, source);
    return follower.connected() && follower.position() == follower.source_head_position() &&
           follower.last_error().empty();
  }
  std::string Metrics(Service service) {
    httplib::Client client("127.0.0.1", suite_.metrics_port(service));
    const auto result = client.Get("/metrics");
    EXPECT_TRUE(result) << testing::NameOf(service);
    return result ? result->body : "";
  }

  absl::StatusOr<Deadline> GetDeadline(const Area& area) {
    deadlines::v1::GetDeadlineRequest request;
    request.set_name(DeadlineName(area, kReport));
    return suite_.Call("auditor", &DeadlineScheduler::Stub::GetDeadline, request);
  }
  int CountResponses(const std::string& inspection) {
    authoring::v1::ListResponsesRequest list;
    list.set_parent("bodies/-");
    list.set_filter(fmt::format("inspection = \"inspections/{}\"", inspection));
    list.set_view(authoring::v1::RESPONSE_VIEW_BASIC);
    return job_.Do("auditor", &ResponseAuthoring::Stub::ListResponses, list).responses_size();
  }
  int CountDeadlines(const std::string& inspection) {
    deadlines::v1::ListDeadlinesRequest list;
    list.set_parent("bodies/-");
    list.set_filter(fmt::format("inspection = \"inspections/{}\"", inspection));
    return job_.Do("auditor", &DeadlineScheduler::Stub::ListDeadlines, list).deadlines_size();
  }

  Suite suite_;
  Resources resources_;
  MainJob job_;
};

// As it could stand in a row that was written before texts were bounded: each letter takes five bytes in a page.
std::string HostileText() { return std::string(3'300'000, '&'); }

absl::Status AppendEvent(db::Transaction& tx, std::string_view type, std::string_view tenant, std::string_view subject,
                         const std::string& payload) {
  return tx
      .Execute(
          "INSERT INTO outbox (event_id, type, tenant, subject, actor, cause, time, schema_version, checksum, "
          "payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          {base::NewUuid(), type, tenant, subject, "people/somebody", "a test", base::ToMicros(absl::Now()), 1,
           db::ChecksumOf(payload), db::Bytes{payload}})
      .status();
}

TEST_P(TroubleTest, WhatCannotBePublishedGoesBackAndHoldsUpNobodyElse) {
  const Area norfolk = AreaOf("norfolk");
  const Area suffolk = AreaOf("suffolk");
  const std::string name = ResponseName(norfolk, kReport);
  const std::string other = ResponseName(suffolk, kReport);
  job_.Register({norfolk, suffolk});
  job_.Publish(kReport, SafeToShare());
  job_.AwaitResponse(name);
  job_.AwaitResponse(other);
  job_.Invite(norfolk, name, Date(2021, 1, 14));
  job_.Comment(norfolk, name);
  job_.Write(norfolk, job_.Get("norfolk-author", name), "first");
  job_.Submit(norfolk, name);

  // Approved as it would be had nothing been checked.
  Response stored = job_.Get("auditor", name);
  stored.clear_etag();
  stored.set_comments(HostileText());
  stored.set_state(Response::APPROVED);
  stored.mutable_approval()->set_actor("people/norfolk-approver");
  *stored.mutable_approval()->mutable_time() = base::ToTimestamp(suite_.now());
  ASSERT_NO_FATAL_FAILURE(Tamper(Service::kAuthoring, [&](db::Transaction& tx) -> absl::Status {
    authoring::v1::ResponseApproved approved;
    *approved.mutable_response() = stored;
    RETURN_IF_ERROR(AppendEvent(tx, approved.GetDescriptor()->full_name(), "bodies/norfolk-pcc", name,
                                approved.SerializeAsString()));
    Response row = stored;
    row.clear_report();
    const std::string content = row.SerializeAsString();
    return tx
        .Execute("UPDATE responses SET state = ?, checksum = ?, content = ? WHERE body = ? AND inspection = ?",
                 {int64_t{Response::APPROVED}, db::ChecksumOf(content), db::Bytes{content}, "norfolk-pcc", kReport})
        .status();
  }));
  job_.AnswerInFull(suffolk, other, "Suffolk");

  suite_.AwaitEvent<publication::v1::ResponsePublished>(PublicationName(suffolk, kReport));
  ASSERT_THAT(suite_.AwaitEvent<publication::v1::ResponseRefused>(PublicationName(norfolk, kReport)).reason(),
              HasSubstr("comments"));
  ASSERT_TRUE(suite_.Until("the office has it back",
                           [&] { return job_.Get("norfolk-author", name).state() == Response::IN_REVIEW; }));
  const Response back = job_.Get("norfolk-approver", name);
  EXPECT_THAT(back.refusal().reason(), HasSubstr("comments"));
  EXPECT_EQ(back.refusal().actor(), "services/publication");
  EXPECT_FALSE(back.has_approval());
  job_.AwaitPublished(other);
  for (const Service service : testing::kServices) {
    const auto status = job_.DoOn(service, "operator", &Admin::Stub::GetStatus, {});
    EXPECT_EQ(status.parked_jobs(), 0) << testing::NameOf(service);
    for (const FollowerStatus& follower : status.followers()) {
      EXPECT_EQ(follower.parked_events(), 0) << testing::NameOf(service);
    }
  }

  // The office mends it, and it is published as the first edition.
  job_.Return(norfolk, name, "It cannot be published as it is.");
  job_.Write(norfolk, job_.Get("norfolk-author", name), "second");
  job_.Submit(norfolk, name);
  job_.Approve(norfolk, name);
  const auto record =
      suite_.AwaitEvent<publication::v1::ResponsePublished>(PublicationName(norfolk, kReport)).publication();
  EXPECT_EQ(record.edition(), 1);
  const Response published = job_.AwaitPublished(name);
  EXPECT_THAT(published.comments(), HasSubstr("second"));
  EXPECT_FALSE(published.has_refusal());
}

TEST_P(TroubleTest, AnEventOfAnUnknownTypeIsWaitedForAndNotPassedOver) {
  const Area norfolk = AreaOf("norfolk");
  constexpr std::array kFollowers = {Service::kAuthoring, Service::kDeadlines};
  job_.Register({norfolk});
  for (const Service follower : kFollowers) {
    suite_.Until("all was followed", [&] { return AtTheEnd(follower, kRegistry); });
  }
  // The source is newer than those who follow it.
  constexpr char kSubject[] = "inspections/something-new";
  ASSERT_NO_FATAL_FAILURE(Tamper(Service::kRegistry, [&](db::Transaction& tx) {
    return AppendEvent(tx, "section55.registry.v1.SomethingNew", "", kSubject, "\x0a\x01x");
  }));
  job_.Publish(kReport, SafeToShare());
  const auto event = suite_.AwaitEvent(Service::kRegistry, "SomethingNew",
                                       [&](const common::v1::Event& e) { return e.subject() == kSubject; });
  ASSERT_TRUE(event);
  for (const Service follower : kFollowers) {
    SCOPED_TRACE(testing::NameOf(follower));
    suite_.Until("it waits and says for what", [&] {
      return FollowerOf(follower, kRegistry).last_error().find("SomethingNew") != std::string::npos;
    });
    EXPECT_EQ(FollowerOf(follower, kRegistry).position(), event->position() - 1);
    EXPECT_EQ(FollowerOf(follower, kRegistry).parked_events(), 0);
    EXPECT_THAT(Metrics(follower),
                HasSubstr("section55_follower_waits_for_newer_program{source=\"inspection-registry\"} 1"));
    // The log is written a moment after what it tells of.
    suite_.Until("the log says so too", [&] { return suite_.Log(follower).find("SomethingNew") != std::string::npos; });
  }
  EXPECT_EQ(CountResponses(kReport), 0) << "what stands behind it waits too";
  EXPECT_EQ(CountDeadlines(kReport), 0);

  // The same event once they know what it says.
  registry::v1::BodyRegistered known;
  *known.mutable_body() = AreaOf("suffolk").create_body.body();
  known.mutable_body()->set_name("bodies/suffolk-pcc");
  const std::string payload = known.SerializeAsString();
  ASSERT_NO_FATAL_FAILURE(Tamper(Service::kRegistry, [&](db::Transaction& tx) {
    return tx
        .Execute("UPDATE events SET type = ?, checksum = ?, payload = ? WHERE position = ?",
                 {known.GetDescriptor()->full_name(), db::ChecksumOf(payload), db::Bytes{payload}, event->position()})
        .status();
  }));
  for (const Service follower : kFollowers) {
    StartAnew(follower);
  }
  job_.AwaitResponse(ResponseName(norfolk, kReport));
  job_.AwaitDeadline(DeadlineName(norfolk, kReport));
  for (const Service follower : kFollowers) {
    suite_.Until("all was followed", [&] { return AtTheEnd(follower, kRegistry); });
    EXPECT_THAT(Metrics(follower),
                HasSubstr("section55_follower_waits_for_newer_program{source=\"inspection-registry\"} 0"));
  }
}

TEST_P(TroubleTest, OneDamagedRowIsFoundAndKeepsNobodyElsesDayFromPassing) {
  std::vector<Area> areas = ReadAreas({"norfolk", "suffolk", "kent", "essex"});
  const Area damaged = AreaOf("kent");
  job_.Register(areas);
  job_.Publish(kReport, SafeToShare());
  for (const Area& area : areas) {
    job_.AwaitDeadline(DeadlineName(area, kReport));
  }
  // One bit is another; the second time as it was.
  const auto flip = [&](db::Transaction& tx) -> absl::Status {
    std::string content;
    RETURN_IF_ERROR(tx.Query("SELECT content FROM deadlines WHERE body = ? AND inspection = ?", {damaged.body, kReport},
                             [&](const db::Row& row) { content = row.Text(0); }));
    content.at(content.size() / 2) ^= 0x04;
    return tx
        .Execute("UPDATE deadlines SET content = ? WHERE body = ? AND inspection = ?",
                 {db::Bytes{content}, damaged.body, kReport})
        .status();
  };
  ASSERT_NO_FATAL_FAILURE(Tamper(Service::kDeadlines, flip));

  const absl::Status read = GetDeadline(damaged).status();
  EXPECT_THAT(read, StatusIs(absl::StatusCode::kDataLoss));
  const std::string error_id = base::ErrorInfoOf(read).metadata().at("error_id");
  EXPECT_THAT(read, testing::MessageIs(HasSubstr(error_id)));
  EXPECT_TRUE(suite_.Until("the log says what it was",
                           [&] { return suite_.Log(Service::kDeadlines).find(error_id) != std::string::npos; }));
  const auto checked = job_.DoOn(Service::kDeadlines, "operator", &Admin::Stub::CheckStorage, {});
  ASSERT_THAT(checked.damaged_rows(), SizeIs(1));
  EXPECT_EQ(checked.damaged_rows(0).table(), "deadlines");
  EXPECT_THAT(checked.damaged_rows(0).key(), HasSubstr(damaged.body));
  EXPECT_GT(checked.rows_read(), 4);

  suite_.SetTime(London(2021, 2, 11, 0, 0));
  for (const Area& area : areas) {
    if (area.body != damaged.body) {
      EXPECT_EQ(suite_.AwaitEvent<deadlines::v1::DeadlineMissed>(DeadlineName(area, kReport)).deadline().state(),
                Deadline::MISSED);
    }
  }
  EXPECT_TRUE(suite_.Until("the damaged one is put aside", [&] {
    admin::v1::ListJobsRequest parked;
    parked.set_parked_only(true);
    const auto jobs = job_.DoOn(Service::kDeadlines, "operator", &Admin::Stub::ListJobs, parked);
    return jobs.jobs_size() == 1 && jobs.jobs(0).tenant() == "bodies/" + damaged.body;
  }));
  EXPECT_THAT(Metrics(Service::kDeadlines), HasSubstr("section55_jobs_parked 1"));

  // Others' work goes on to the end; the list of one body is not the other's concern.
  deadlines::v1::ListDeadlinesRequest list;
  list.set_parent("bodies/norfolk-pcc");
  EXPECT_THAT(job_.Do("norfolk-author", &DeadlineScheduler::Stub::ListDeadlines, list).deadlines(), SizeIs(1));
  const Area norfolk = AreaOf("norfolk");
  job_.AwaitResponse(ResponseName(norfolk, kReport));
  job_.Invite(norfolk, ResponseName(norfolk, kReport), Date(2021, 2, 20));
  job_.Comment(norfolk, ResponseName(norfolk, kReport));
  job_.Write(norfolk, job_.Get("norfolk-author", ResponseName(norfolk, kReport)), "late");
  job_.Submit(norfolk, ResponseName(norfolk, kReport));
  job_.Approve(norfolk, ResponseName(norfolk, kReport));
  EXPECT_EQ(suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(norfolk, kReport)).deadline().late_by_days(), 1);

  // And its repair.
  ASSERT_NO_FATAL_FAILURE(Tamper(Service::kDeadlines, flip));
  EXPECT_THAT(GetDeadline(damaged), IsOk());
}

INSTANTIATE_TEST_SUITE_P(Engines, TroubleTest, ::testing::Values(db::Engine::kSqlite, db::Engine::kMysql),
                         [](const ::testing::TestParamInfo<db::Engine>& engine) { return testing::NameOf(engine); });

// On SQLite alone: its backup is a copy of a file.
class RestoreTest : public TroubleTest {
 protected:
  // The database of the registry and what belongs to it, to or from a folder.
  void CopyDatabase(const std::filesystem::path& from, const std::filesystem::path& to) {
    for (const char* part : {"", "-wal", "-shm"}) {
      const std::string file = NameOfFile() + part;
      std::filesystem::remove(to / file);
      if (std::filesystem::exists(from / file)) {
        std::filesystem::copy_file(from / file, to / file);
      }
    }
  }
  std::filesystem::path Path() const {
    return suite_.database_url(Service::kRegistry).substr(std::string_view("sqlite:").size());
  }
  std::string NameOfFile() const { return Path().filename(); }
};

TEST_P(RestoreTest, ASourceRestoredFromABackupIsFollowedOnlyWhenSomebodySaysSo) {
  constexpr std::array kFollowers = {Service::kAuthoring, Service::kDeadlines};
  const auto all_followed = [&] {
    for (const Service follower : kFollowers) {
      suite_.Until("all was followed", [&] { return AtTheEnd(follower, kRegistry); });
    }
  };
  const testing::TemporaryFolder backup;
  job_.Register(ReadAreas({"norfolk", "suffolk"}));
  job_.Publish(kReport, SafeToShare());
  all_followed();
  ASSERT_EQ(suite_.Stop(Service::kRegistry), 0);
  CopyDatabase(Path().parent_path(), backup.path());
  Start(Service::kRegistry);
  job_.Register(ReadAreas({"kent"}));
  job_.Publish("custody", CustodyReport({"kent"}));
  suite_.Until("the last of it was heard of",
               [&] { return CountResponses("custody") == 1 && CountDeadlines("custody") == 1; });
  all_followed();
  const int64_t position = FollowerOf(Service::kAuthoring, kRegistry).position();

  ASSERT_EQ(suite_.Stop(Service::kRegistry), 0);
  CopyDatabase(backup.path(), Path().parent_path());
  Start(Service::kRegistry);
  // The registrar does what was lost once more, and more than that: the feed grows past where the others had come.
  job_.Register(ReadAreas({"essex", "kent", "dorset"}));
  job_.Publish("custody", CustodyReport({"kent"}));
  job_.Publish("second", CustodyReport({"essex", "norfolk"}));
  ASSERT_GT(suite_.ListFeed(Service::kRegistry).size(), static_cast<size_t>(position));
  for (const Service follower : kFollowers) {
    SCOPED_TRACE(testing::NameOf(follower));
    StartAnew(follower);  // so that it asks now and not after its pause
    suite_.Until("it says that this is another feed", [&] {
      return FollowerOf(follower, kRegistry).last_error().find("not the feed that the cursor belongs to") !=
             std::string::npos;
    });
    EXPECT_EQ(FollowerOf(follower, kRegistry).position(), position);
    EXPECT_FALSE(FollowerOf(follower, kRegistry).connected());
  }
  EXPECT_EQ(CountResponses("second"), 0);
  EXPECT_EQ(CountDeadlines("second"), 0);

  for (const Service follower : kFollowers) {
    admin::v1::AcceptFeedRequest accept;
    accept.set_source(kRegistry);
    EXPECT_THAT(suite_.CallOn(follower, "auditor", &Admin::Stub::AcceptFeed, accept),
                StatusIs(absl::StatusCode::kPermissionDenied));
    job_.DoOn(follower, "operator", &Admin::Stub::AcceptFeed, accept);
  }
  all_followed();
  for (const Service follower : kFollowers) {
    EXPECT_EQ(FollowerOf(follower, kRegistry).parked_events(), 0);
    EXPECT_THAT(suite_.CallOn(follower, "operator", &Admin::Stub::AcceptFeed,
                              [] {
                                admin::v1::AcceptFeedRequest again;
                                again.set_source(kRegistry);
                                return again;
                              }()),
                testing::HasReason("FEED_ACCEPTED"));
  }
  for (const auto& [report, owed] : std::map<std::string, int>{{kReport, 2}, {"custody", 1}, {"second", 2}}) {
    EXPECT_EQ(CountResponses(report), owed) << report;
    EXPECT_EQ(CountDeadlines(report), owed) << report;
    int opened = 0;
    for (const common::v1::Event& event : suite_.ListFeed(Service::kAuthoring)) {
      opened += event.payload().Is<authoring::v1::ResponseOpened>() && event.subject().ends_with("/" + report);
    }
    EXPECT_EQ(opened, owed) << report << ": nobody is told twice";
  }
  // And they are answered as any.
  MakePeople(AreaOf("essex"));
  job_.AnswerInFull(AreaOf("essex"), ResponseName(AreaOf("essex"), "second"), "Essex");
  suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(AreaOf("essex"), "second"));
}

INSTANTIATE_TEST_SUITE_P(Engines, RestoreTest, ::testing::Values(db::Engine::kSqlite),
                         [](const ::testing::TestParamInfo<db::Engine>& engine) { return testing::NameOf(engine); });

}  // namespace
}  // namespace section55::e2e
