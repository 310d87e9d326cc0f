// Admin and DrivenClock as their callers see them.
#include "libs/service/admin.h"

#include <atomic>

#include "db_schema.h"
#include "google/protobuf/util/time_util.h"
#include "libs/db/idempotency.h"
#include "tests/contract/events/follower_fixture.h"

namespace section55::events {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;
using testing::TestServer;
using testing::ViolationOn;

constexpr char kOther[] = "response-authoring";

class AdminTest : public testing::OnBothEngines {
 protected:
  AdminTest() : OnBothEngines(AllSchemas()), log_(database()), queue_(database(), server_.clock(), "here:1", 1) {
    followers_.push_back(std::make_unique<Follower>(kSource, source_.Channel(), database(), server_.clock(), queue_,
                                                    handled_.Handlers()));
    log_.Start();
    server_.Add<service::AdminService>(service::kAdminName,
                                       service::AdminParts{.service_name = "publication",
                                                           .clock = server_.clock(),
                                                           .database = database(),
                                                           .log = log_,
                                                           .jobs = queue_,
                                                           .followers = {followers_[0].get()},
                                                           .tables = {&kTable},
                                                           .loops =
                                                               [] {
                                                                 admin::v1::LoopStatus loop;
                                                                 loop.set_name("prune");
                                                                 return std::vector<admin::v1::LoopStatus>{loop};
                                                               },
                                                           .schema = [this] { return schema_; },
                                                           .health = [this] { return health_; },
                                                           .guarded_clock = &guarded_});
    server_.Add<service::DrivenClockService>(service::kDrivenClockName, server_.clock());
    server_.Start();
    admin_ = admin::v1::Admin::NewStub(server_.channel());
    clock_ = admin::v1::DrivenClock::NewStub(server_.channel());
  }
  ~AdminTest() override { log_.Stop(); }

  void Append(int count) {
    for (int i = 1; i <= count; ++i) {
      ASSERT_THAT(AppendOne(log_, database(), "subjects/a", std::to_string(i)), IsOk());
    }
    ASSERT_TRUE(log_.WaitBeyond(count - 1, absl::Seconds(30)));
  }

  void ParkOne(const std::string& source, int64_t position, const std::string& tenant = "") {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(BeginCursor(tx, source));
      Event event = ScriptedFeed::Positions({position}).events(0);
      event.set_tenant(tenant);
      const absl::Time now = server_.clock().Now();
      return Park(tx, source, event, "NOT_FOUND: no such body", 1, now, now + absl::Seconds(1));
    }),
                IsOk());
  }

  void ScheduleOne(const std::string& key, const std::string& tenant) {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) {
      return queue_.Schedule(tx, {.kind = "note", .key = key, .tenant = tenant, .due = server_.clock().Now()});
    }),
                IsOk());
  }

  std::unique_ptr<grpc::ClientContext> Operator() { return server_.As("olga", {"operator"}); }

  // A table of messages such as the services have.
  static std::vector<db::Schema> AllSchemas() {
    std::vector<db::Schema> schemas = Schemas();
    schemas.push_back(db::MigrationSchema());
    schemas.push_back({"texts",
                       {{1, "texts",
                         "CREATE TABLE texts (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, checksum INTEGER NOT "
                         "NULL, content BLOB NOT NULL) STRICT"}},
                       {{1, "texts",
                         "CREATE TABLE texts (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, checksum BIGINT NOT "
                         "NULL, content BLOB NOT NULL) ENGINE = InnoDB"}}});
    return schemas;
  }
  const db::ProtoTable<google::protobuf::StringValue> kTable{{.name = "texts", .key = {"id"}, .columns = {}}};

  // The machine's clock, which may be set, and the time that goes on whatever it says.
  std::atomic<absl::Time> wall_ = absl::FromUnixSeconds(1'800'000'000);
  std::atomic<absl::Duration> steady_ = absl::Hours(5);
  base::GuardedClock guarded_{{.wall = [this] { return wall_.load(); }, .steady = [this] { return steady_.load(); }}};
  service::AdminParts::Health health_;
  Source source_;
  EventLog log_;
  Handled handled_;
  absl::Status schema_;
  TestServer server_;
  jobs::Queue queue_;
  std::vector<std::unique_ptr<Follower>> followers_;
  std::unique_ptr<admin::v1::Admin::Stub> admin_;
  std::unique_ptr<admin::v1::DrivenClock::Stub> clock_;
};

TEST_P(AdminTest, AClockThatJumpsIsInDoubtUntilAnOperatorConfirmsIt) {
  const auto status_of_clock = [&] {
    admin::v1::Status status;
    EXPECT_THAT(admin_->GetStatus(Operator().get(), {}, &status), IsOk());
    return status.clock();
  };
  admin::v1::ConfirmClockResponse response;
  EXPECT_FALSE(status_of_clock().in_doubt());
  EXPECT_TRUE(status_of_clock().has_machine_time());
  EXPECT_THAT(admin_->ConfirmClock(Operator().get(), {}, &response),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("CLOCK_NOT_IN_DOUBT")));

  constexpr absl::Duration kSixtyDays = absl::Hours(24 * 60);
  wall_ = wall_.load() + kSixtyDays;
  guarded_.Look(std::nullopt);
  wall_ = wall_.load() + absl::Seconds(4);
  steady_ = steady_.load() + absl::Seconds(4);
  guarded_.Look(std::nullopt);
  // Also while the database does not answer: an operator must be able to see both.
  for (const absl::Status& database : {absl::OkStatus(), absl::UnavailableError("it is away")}) {
    health_.database = database;
    const admin::v1::ClockStatus clock = status_of_clock();
    EXPECT_TRUE(clock.in_doubt());
    EXPECT_EQ(clock.off_by().seconds(), absl::ToInt64Seconds(kSixtyDays));
    EXPECT_EQ(clock.doubted_for().seconds(), 4);
    EXPECT_FALSE(clock.database_disagrees());
  }
  health_ = {};

  EXPECT_THAT(admin_->ConfirmClock(server_.As("ann", {"author@bodies/norfolk-pcc"}).get(), {}, &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_TRUE(status_of_clock().in_doubt());
  ASSERT_THAT(admin_->ConfirmClock(Operator().get(), {}, &response), IsOk());
  EXPECT_TRUE(response.has_time());
  EXPECT_FALSE(status_of_clock().in_doubt());
  EXPECT_FALSE(status_of_clock().has_off_by());
  EXPECT_EQ(guarded_.Now(), wall_.load());
}

TEST_P(AdminTest, StatusSaysHowThingsStand) {
  Append(2);
  ParkOne(kSource, 4);
  ScheduleOne("a", "");
  admin::v1::Status status;
  server_.clock().Advance(absl::Hours(1));
  ASSERT_THAT(admin_->GetStatus(Operator().get(), {}, &status), IsOk());
  EXPECT_EQ(status.service(), "publication");
  EXPECT_THAT(status.version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_EQ(status.current_time().seconds() - status.start_time().seconds(), 3600);
  EXPECT_EQ(status.database_engine(), GetParam() == db::Engine::kSqlite ? "sqlite" : "mysql");
  EXPECT_THAT(status.applied_migrations(), ::testing::Contains("events/0001_outbox"));
  EXPECT_THAT(status.applied_migrations(), ::testing::Contains("test/0002_subjects"));
  EXPECT_EQ(status.feed_head_position(), 2);
  ASSERT_EQ(status.followers_size(), 1);
  EXPECT_EQ(status.followers(0).source(), kSource);
  EXPECT_EQ(status.followers(0).parked_events(), 1);
  EXPECT_EQ(status.feed_incarnation().size(), 36u);
  EXPECT_EQ(status.schema_problem(), "");
  EXPECT_EQ(status.waiting_jobs(), 1);
  EXPECT_EQ(status.parked_jobs(), 0);
  ASSERT_EQ(status.loops_size(), 1);
  EXPECT_EQ(status.loops(0).name(), "prune");
  schema_ = absl::FailedPreconditionError("run migrate");
  ASSERT_THAT(admin_->GetStatus(Operator().get(), {}, &status), IsOk());
  EXPECT_EQ(status.schema_problem(), "run migrate");
}

TEST_P(AdminTest, ParkedEventsArePagedAcrossSources) {
  ParkOne("inspection-registry", 7);
  ParkOne("deadline-scheduler", 9);
  ParkOne("inspection-registry", 10);
  ParkOne("deadline-scheduler", 12);
  ParkOne("inspection-registry", 2);
  admin::v1::ListParkedEventsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  int pages = 0;
  do {
    admin::v1::ListParkedEventsResponse response;
    ASSERT_THAT(admin_->ListParkedEvents(Operator().get(), request, &response), IsOk());
    for (const admin::v1::ParkedEvent& event : response.parked_events()) names.push_back(event.name());
    request.set_page_token(response.next_page_token());
    ASSERT_LE(++pages, 3);
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(names, ElementsAre("parkedEvents/deadline-scheduler-9", "parkedEvents/deadline-scheduler-12",
                                 "parkedEvents/inspection-registry-2", "parkedEvents/inspection-registry-7",
                                 "parkedEvents/inspection-registry-10"));
  request.set_page_token("nonsense");
  admin::v1::ListParkedEventsResponse response;
  EXPECT_THAT(admin_->ListParkedEvents(Operator().get(), request, &response), ViolationOn("page_token"));
}

TEST_P(AdminTest, AnOperatorRetries) {
  ParkOne(kSource, 7);
  ParkOne(kOther, 8);
  const auto retry = [&](const std::string& name, std::unique_ptr<grpc::ClientContext> context, int handled) {
    admin::v1::RetryParkedEventRequest request;
    request.set_name(name);
    admin::v1::RetryParkedEventResponse response;
    const grpc::Status status = admin_->RetryParkedEvent(context.get(), request, &response);
    EXPECT_EQ(response.handled_events(), handled);
    return status;
  };
  EXPECT_THAT(retry("parkedEvents/inspection-registry-7", server_.As("otto", {"auditor"}), 0),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(retry("parkedEvents/inspection-registry-7", Operator(), 1), IsOk());
  EXPECT_THAT(retry("parkedEvents/inspection-registry-7", Operator(), 0), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(retry("parkedEvents/response-authoring-8", Operator(), 0), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(retry("inspection-registry-7", Operator(), 0), ViolationOn("name"));
  EXPECT_THAT(Effects(database()), ElementsAre("7"));
}

// A body's people learn that something of theirs is stuck, and of nobody else's.
TEST_P(AdminTest, ParkedEventsAndJobsByBody) {
  ParkOne(kSource, 1, "bodies/norfolk-pcc");
  ParkOne(kSource, 2, "bodies/suffolk-pcc");
  ParkOne(kSource, 3);
  ScheduleOne("n", "bodies/norfolk-pcc");
  ScheduleOne("s", "bodies/suffolk-pcc");
  ScheduleOne("all", "");
  const auto both = [&](const std::string& parent, bool person, std::vector<std::string>& seen) {
    const auto context = [&] { return person ? server_.As("ann", {"author@bodies/norfolk-pcc"}) : Operator(); };
    admin::v1::ListParkedEventsRequest request;
    admin::v1::ListParkedEventsResponse response;
    request.set_parent(parent);
    const grpc::Status events = admin_->ListParkedEvents(context().get(), request, &response);
    for (const admin::v1::ParkedEvent& event : response.parked_events()) {
      seen.push_back(std::to_string(event.position()));
    }
    admin::v1::ListJobsRequest jobs_request;
    admin::v1::ListJobsResponse jobs_response;
    jobs_request.set_parent(parent);
    const grpc::Status jobs = admin_->ListJobs(context().get(), jobs_request, &jobs_response);
    EXPECT_EQ(events.error_code(), jobs.error_code());
    for (const admin::v1::Job& job : jobs_response.jobs()) {
      seen.push_back(job.key());
    }
    return jobs;
  };
  const auto seen_of = [&](const std::string& parent, bool person) {
    std::vector<std::string> seen;
    EXPECT_THAT(both(parent, person, seen), IsOk());
    return seen;
  };
  EXPECT_THAT(seen_of("bodies/norfolk-pcc", true), ElementsAre("1", "n"));
  EXPECT_THAT(seen_of("bodies/suffolk-pcc", false), ElementsAre("2", "s"));
  EXPECT_THAT(seen_of("", false), ElementsAre("1", "2", "3", "n", "s", "all"));
  std::vector<std::string> nothing;
  EXPECT_THAT(both("bodies/suffolk-pcc", true, nothing), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_FALSE(both("", true, nothing).ok());
  EXPECT_FALSE(both("bodies/-", true, nothing).ok());
  EXPECT_THAT(both("forces/norfolk", false, nothing), ViolationOn("parent"));
  EXPECT_THAT(both("bodies/-", false, nothing), ViolationOn("parent"));
  EXPECT_THAT(nothing, IsEmpty());
}

TEST_P(AdminTest, JobsArePagedAndRetried) {
  for (int i = 0; i < 5; ++i) {
    ScheduleOne(std::to_string(i), "");
    server_.clock().Advance(absl::Seconds(i % 2));
  }
  admin::v1::ListJobsRequest request;
  request.set_page_size(2);
  std::vector<std::string> keys;
  admin::v1::ListJobsResponse response;
  do {
    response.Clear();
    ASSERT_THAT(admin_->ListJobs(Operator().get(), request, &response), IsOk());
    ASSERT_LE(response.jobs_size(), 2);
    for (const admin::v1::Job& job : response.jobs()) {
      keys.push_back(job.key());
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(keys, ElementsAre("0", "1", "2", "3", "4"));
  request.set_page_token("nonsense");
  EXPECT_THAT(admin_->ListJobs(Operator().get(), request, &response), ViolationOn("page_token"));
  request.clear_page_token();
  request.set_parked_only(true);
  response.Clear();
  ASSERT_THAT(admin_->ListJobs(Operator().get(), request, &response), IsOk());
  EXPECT_EQ(response.jobs_size(), 0);

  admin::v1::RetryJobRequest retry;
  admin::v1::Job job;
  for (const char* name : {"", "jobs/", "jobs/x", "jobs/01", "jobs/-1", "17"}) {
    retry.set_name(name);
    EXPECT_THAT(admin_->RetryJob(Operator().get(), retry, &job), ViolationOn("name")) << name;
  }
  retry.set_name("jobs/4711");
  EXPECT_THAT(admin_->RetryJob(Operator().get(), retry, &job), StatusIs(absl::StatusCode::kNotFound));
  request.Clear();
  ASSERT_THAT(admin_->ListJobs(Operator().get(), request, &response), IsOk());
  retry.set_name(response.jobs(0).name());
  server_.clock().Advance(absl::Hours(1));
  EXPECT_THAT(admin_->RetryJob(server_.As("otto", {"auditor"}).get(), retry, &job),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(admin_->RetryJob(Operator().get(), retry, &job), IsOk());
  EXPECT_EQ(job.due_time().seconds(), absl::ToUnixSeconds(server_.clock().Now()));
}

TEST_P(AdminTest, AFeedIsAcceptedOnlyWhenThereIsAComplaint) {
  const auto accept = [&](const std::string& source, int64_t position, admin::v1::FollowerStatus& status) {
    admin::v1::AcceptFeedRequest request;
    request.set_source(source);
    request.set_position(position);
    return admin_->AcceptFeed(Operator().get(), request, &status);
  };
  admin::v1::FollowerStatus status;
  EXPECT_THAT(accept("", -1, status), AllOf(ViolationOn("source"), ViolationOn("position")));
  EXPECT_THAT(accept(kOther, 0, status), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(accept(kSource, 0, status),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("FEED_ACCEPTED")));
  source_.Append("subjects/a", "1");
  followers_[0]->Start();
  ASSERT_TRUE(handled_.WaitFor("1"));
  followers_[0]->Stop();
  source_.Execute("UPDATE event_sequence SET incarnation = 'another'");
  followers_[0]->Start();
  EXPECT_TRUE(Eventually([&] { return !followers_[0]->Status().last_error().empty(); }));
  ASSERT_THAT(accept(kSource, 0, status), IsOk());
  EXPECT_EQ(status.source(), kSource);
  EXPECT_EQ(status.position(), 0);
  EXPECT_TRUE(Eventually([&] { return Effects(database()).size() == 2; }));
  followers_[0]->Stop();
}

TEST_P(AdminTest, StorageIsCheckedWhole) {
  constexpr int kRows = 1203;
  ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    for (int i = 1; i <= kRows; ++i) {
      db::Versioned<google::protobuf::StringValue> row;
      row.message.set_value(std::to_string(i));
      RETURN_IF_ERROR(kTable.Insert(tx, {i}, {}, row));
    }
    return absl::OkStatus();
  }),
              IsOk());
  Append(2);
  ParkOne(kSource, 7);
  // As many answers as make several pages, of several callers and methods.
  constexpr int kAnswers = 600;
  ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    google::protobuf::StringValue answer;
    for (int i = 0; i < kAnswers; ++i) {
      const std::string id = "id-" + std::to_string(i);
      answer.set_value(id);
      RETURN_IF_ERROR(db::StoreAnswer(tx,
                                      {i % 2 == 0 ? "people/ann" : "people/bob", i % 3 == 0 ? "a/Get" : "b/Get", id},
                                      "x", answer, server_.clock().Now()));
    }
    return absl::OkStatus();
  }),
              IsOk());
  ScheduleOne("a", "");
  ScheduleOne("b", "");
  constexpr int kMore = 3 + kAnswers + 2;
  admin::v1::CheckStorageResponse response;
  ASSERT_THAT(admin_->CheckStorage(Operator().get(), {}, &response), IsOk());
  EXPECT_EQ(response.rows_read(), kRows + kMore);
  EXPECT_EQ(response.damaged_rows_size(), 0);
  ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute("UPDATE texts SET checksum = checksum + 1 WHERE id IN (1, 777, 1203)").status());
    RETURN_IF_ERROR(tx.Execute("UPDATE events SET payload = ? WHERE position = 2", {db::Bytes{"x"}}).status());
    RETURN_IF_ERROR(tx.Execute("UPDATE parked_events SET checksum = checksum + 1").status());
    RETURN_IF_ERROR(
        tx.Execute("UPDATE requests SET response = ? WHERE request_id IN ('id-0', 'id-599')", {db::Bytes{"x"}})
            .status());
    return tx.Execute("UPDATE jobs SET payload = ? WHERE job_key = 'b'", {db::Bytes{"x"}}).status();
  }),
              IsOk());
  ASSERT_THAT(admin_->CheckStorage(server_.As("otto", {"auditor"}).get(), {}, &response), IsOk());
  std::vector<std::string> damaged;
  for (const admin::v1::DamagedRow& row : response.damaged_rows()) {
    damaged.push_back(row.table() + " " + row.key());
    EXPECT_EQ(row.problem(), "does not match its checksum");
  }
  EXPECT_THAT(damaged,
              ElementsAre("texts 1", "texts 777", "texts 1203", "events 2", "parked_events inspection-registry/7",
                          "requests people/ann/a/Get/id-0", "requests people/bob/b/Get/id-599", "jobs 2"));
  EXPECT_EQ(response.rows_read(), kRows + kMore);
}

TEST_P(AdminTest, TheClockIsDriven) {
  admin::v1::SetTimeRequest request;
  admin::v1::SetTimeResponse response;
  EXPECT_THAT(clock_->SetTime(Operator().get(), request, &response), ViolationOn("time"));
  request.mutable_time()->set_seconds(253'402'300'800);  // the year 10000
  EXPECT_THAT(clock_->SetTime(Operator().get(), request, &response), ViolationOn("time"));
  request.mutable_time()->set_seconds(1'600'000'000);
  EXPECT_THAT(clock_->SetTime(server_.As("otto", {"auditor"}).get(), request, &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(clock_->SetTime(Operator().get(), request, &response), IsOk());
  EXPECT_EQ(response.time().seconds(), 1'600'000'000);
  EXPECT_EQ(server_.clock().Now(), absl::FromUnixSeconds(1'600'000'000));
}

SECTION55_ON_BOTH_ENGINES(AdminTest);

}  // namespace
}  // namespace section55::events
