// The API in process: who sees which deadlines, and what it tells.
#include "services/deadline-scheduler/service.h"

#include <gmock/gmock.h>

#include "libs/base/status.h"
#include "libs/rpc/server.h"
#include "libs/testing/server.h"
#include "tests/service/deadlines/world.h"

namespace section55::deadlines {
namespace {

using section55::testing::AsStatus;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using section55::testing::TestServer;
using section55::testing::ViolationOn;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kNorfolks[] = "bodies/norfolk-pcc/deadlines/safe-to-share";
const absl::CivilDay kPublished(2020, 12, 17);
const std::vector<std::string> kNorfolkAuthor = {"author@bodies/norfolk-pcc"};
const std::vector<std::string> kSuffolkAuthor = {"author@bodies/suffolk-pcc"};
const std::vector<std::string> kNorfolkOfficer = {"contributor@forces/norfolk"};
const std::vector<std::string> kAuditor = {"auditor"};

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest()
      : database_(db::Engine::kSqlite, Schemas()),
        directory_(*database_, store::ForceOf),
        server_(London(2021, 2, 9, 12)),
        world_(*database_, server_.clock()) {
    server_.Add<DeadlineSchedulerService>(kServiceName, *database_, directory_, server_.clock(), world_.changes());
    server_.server().SetTenantDirectory(&directory_);
    server_.Start();
    stub_ = v1::DeadlineScheduler::NewStub(server_.channel());
    for (const std::string county : {"essex", "norfolk", "suffolk"}) {
      EXPECT_THAT(world_.FromRegistry(BodyRegistered(county + "-pcc", county)), IsOk());
    }
    Publish("safe-to-share", kPublished, {"norfolk-pcc", "suffolk-pcc"});
  }

  void Publish(const std::string& inspection, absl::CivilDay published, const std::vector<std::string>& bodies,
               Inspection::Basis basis = Inspection::STATUTE_S55) {
    ASSERT_THAT(world_.FromRegistry(InspectionPublished(inspection, published, bodies, basis)), IsOk());
  }

  absl::StatusOr<v1::Deadline> Get(const std::vector<std::string>& roles, const std::string& name) {
    v1::GetDeadlineRequest request;
    request.set_name(name);
    v1::Deadline deadline;
    const grpc::Status status = stub_->GetDeadline(server_.As("ann", roles).get(), request, &deadline);
    return status.ok() ? absl::StatusOr<v1::Deadline>(deadline) : AsStatus(status);
  }

  absl::StatusOr<v1::ListDeadlinesResponse> List(const std::vector<std::string>& roles,
                                                 const v1::ListDeadlinesRequest& request) {
    v1::ListDeadlinesResponse response;
    const grpc::Status status = stub_->ListDeadlines(server_.As("ann", roles).get(), request, &response);
    return status.ok() ? absl::StatusOr<v1::ListDeadlinesResponse>(response) : AsStatus(status);
  }

  // The names of the first page.
  std::vector<std::string> Names(const std::vector<std::string>& roles, const std::string& parent,
                                 const std::string& filter = "") {
    v1::ListDeadlinesRequest request;
    request.set_parent(parent);
    request.set_filter(filter);
    const auto response = List(roles, request);
    EXPECT_THAT(response, IsOk());
    std::vector<std::string> names;
    for (const auto& deadline : response->deadlines()) {
      names.push_back(deadline.name());
    }
    return names;
  }

  absl::StatusOr<v1::ExplainDeadlineResponse> Explain(std::unique_ptr<grpc::ClientContext> context,
                                                      const v1::ExplainDeadlineRequest& request) {
    v1::ExplainDeadlineResponse response;
    const grpc::Status status = stub_->ExplainDeadline(context.get(), request, &response);
    return status.ok() ? absl::StatusOr<v1::ExplainDeadlineResponse>(response) : AsStatus(status);
  }

  absl::StatusOr<v1::ExplainDeadlineResponse> Explain(const std::vector<std::string>& roles,
                                                      const std::string& inspection, const std::string& body = "") {
    v1::ExplainDeadlineRequest request;
    request.set_inspection(inspection);
    request.set_body(body);
    return Explain(server_.As("ann", roles), request);
  }

  section55::testing::TestDatabase database_;
  service::Directory directory_;
  TestServer server_;
  World world_;
  std::unique_ptr<v1::DeadlineScheduler::Stub> stub_;
};

TEST_F(ServiceTest, ShowsADeadlineFromOpeningToLateResponse) {
  const auto pending = Get(kNorfolkAuthor, kNorfolks);
  ASSERT_THAT(pending, IsOk());
  EXPECT_EQ(pending->state(), v1::Deadline::PENDING);
  EXPECT_EQ(*base::ToCivilDay(pending->due_date()), absl::CivilDay(2021, 2, 10));
  server_.clock().Set(London(2021, 2, 11));
  ASSERT_THAT(world_.Miss("norfolk-pcc", "safe-to-share"), IsOk());
  const auto missed = Get(kNorfolkAuthor, kNorfolks);
  EXPECT_EQ(missed->state(), v1::Deadline::MISSED);
  EXPECT_NE(missed->etag(), pending->etag());
  ASSERT_THAT(world_.FromPublication(ResponsePublished("norfolk-pcc", "safe-to-share", London(2021, 2, 11))), IsOk());
  const auto met = Get(kNorfolkAuthor, kNorfolks);
  EXPECT_EQ(met->state(), v1::Deadline::MET);
  EXPECT_EQ(met->late_by_days(), 1);
  EXPECT_NE(met->etag(), missed->etag());
}

TEST_F(ServiceTest, AnotherOfficeCannotEvenTellWhetherADeadlineExists) {
  const absl::Status existing = Get(kSuffolkAuthor, kNorfolks).status();
  const absl::Status missing = Get(kSuffolkAuthor, "bodies/norfolk-pcc/deadlines/no-such-report").status();
  const absl::Status nobody = Get(kSuffolkAuthor, "bodies/no-such-body/deadlines/safe-to-share").status();
  EXPECT_THAT(existing, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(existing.ToString(), missing.ToString());
  EXPECT_EQ(existing.ToString(), nobody.ToString());
  v1::ListDeadlinesRequest request;
  request.set_parent("bodies/norfolk-pcc");
  EXPECT_THAT(List(kSuffolkAuthor, request), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ServiceTest, ToItsOwnPeopleWhatIsMissingIsNotFound) {
  EXPECT_THAT(Get(kNorfolkAuthor, "bodies/norfolk-pcc/deadlines/no-such-report"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get(kNorfolkAuthor, "bodies/norfolk-pcc/deadlines/Not an id"), ViolationOn("name"));
}

TEST_F(ServiceTest, AForceSeesTheDeadlinesOfItsBodyOnly) {
  EXPECT_THAT(Get(kNorfolkOfficer, kNorfolks), IsOk());
  EXPECT_THAT(Get(kNorfolkOfficer, "bodies/suffolk-pcc/deadlines/safe-to-share"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Names(kNorfolkOfficer, "bodies/-"), ElementsAre(kNorfolks));
  EXPECT_THAT(Names(kNorfolkOfficer, "bodies/norfolk-pcc"), ElementsAre(kNorfolks));
}

TEST_F(ServiceTest, AListAcrossBodiesHoldsWhatTheCallerMaySee) {
  const std::string suffolks = "bodies/suffolk-pcc/deadlines/safe-to-share";
  EXPECT_THAT(Names(kSuffolkAuthor, "bodies/-"), ElementsAre(suffolks));
  EXPECT_THAT(Names({"author@bodies/suffolk-pcc", "chief-officer@forces/norfolk"}, "bodies/-"),
              ElementsAre(kNorfolks, suffolks));
  EXPECT_THAT(Names(kAuditor, "bodies/-"), ElementsAre(kNorfolks, suffolks));
  EXPECT_THAT(Names({"approver@bodies/essex-pcc"}, "bodies/-"), IsEmpty());
  v1::ListDeadlinesRequest request;
  request.set_parent("bodies/-");
  EXPECT_THAT(List({"registrar"}, request), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ServiceTest, ListsTheEarliestFirstAndFilters) {
  Publish("earlier", absl::CivilDay(2020, 11, 2), {"norfolk-pcc"});
  ASSERT_THAT(world_.FromPublication(ResponsePublished("norfolk-pcc", "earlier", London(2020, 12, 1))), IsOk());
  const std::string earlier = "bodies/norfolk-pcc/deadlines/earlier";
  EXPECT_THAT(Names(kNorfolkAuthor, "bodies/norfolk-pcc"), ElementsAre(earlier, kNorfolks));
  EXPECT_THAT(Names(kNorfolkAuthor, "bodies/norfolk-pcc", "state = \"PENDING\""), ElementsAre(kNorfolks));
  EXPECT_THAT(Names(kAuditor, "bodies/-", "inspection = \"inspections/earlier\" AND state = MET"),
              ElementsAre(earlier));
}

TEST_F(ServiceTest, FiltersByDueDate) {
  Publish("a-day-later", kPublished + 1, {"norfolk-pcc"});  // due on 11 February
  const std::string later = "bodies/norfolk-pcc/deadlines/a-day-later";
  const auto names = [&](const std::string& filter) { return Names(kNorfolkAuthor, "bodies/-", filter); };
  EXPECT_THAT(names("due_date = 2021-02-10"), ElementsAre(kNorfolks));
  EXPECT_THAT(names("due_date <= 2021-02-10"), ElementsAre(kNorfolks));
  EXPECT_THAT(names("due_date < 2021-02-10"), IsEmpty());
  EXPECT_THAT(names("due_date > \"2021-02-10\""), ElementsAre(later));
  EXPECT_THAT(names("due_date >= 2021-02-10"), ElementsAre(kNorfolks, later));
  EXPECT_THAT(names("due_date > 2021-02-09 AND due_date < 2021-02-11 AND state = PENDING"), ElementsAre(kNorfolks));
  EXPECT_THAT(names("due_date > 2021-02-11 AND due_date < 2021-02-10"), IsEmpty());
}

TEST_F(ServiceTest, RolesOfBothKindsAddUpAndLeakNothing) {
  Publish("essex-only", kPublished, {"essex-pcc"});
  const std::vector<std::string> both = {"author@bodies/suffolk-pcc", "contributor@forces/norfolk"};
  EXPECT_THAT(Names(both, "bodies/-"), ElementsAre(kNorfolks, "bodies/suffolk-pcc/deadlines/safe-to-share"));
  EXPECT_THAT(Names(both, "bodies/-", "inspection = inspections/essex-only"), IsEmpty());
  EXPECT_THAT(Names(both, "bodies/-", "state = PENDING AND inspection = inspections/safe-to-share"),
              ElementsAre(kNorfolks, "bodies/suffolk-pcc/deadlines/safe-to-share"));
  // One and the same body by two roles comes once.
  EXPECT_THAT(Names({"author@bodies/norfolk-pcc", "contributor@forces/norfolk"}, "bodies/-"), ElementsAre(kNorfolks));
  v1::ListDeadlinesRequest request;
  request.set_parent("bodies/essex-pcc");
  EXPECT_THAT(List(both, request), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ServiceTest, DamageIsOurFaultAndSaysNothingOfIt) {
  ASSERT_THAT(database_->Write([](db::Transaction& tx) {
    return tx.Execute("UPDATE deadlines SET content = ? WHERE body = ?", {db::Bytes{"half"}, "norfolk-pcc"}).status();
  }),
              IsOk());
  const absl::Status status = Get(kNorfolkAuthor, kNorfolks).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(status, section55::testing::MessageIs(::testing::Not(HasSubstr("deadlines"))));
  EXPECT_NE(base::ErrorInfoOf(status).metadata().count("error_id"), 0u);
}

TEST_F(ServiceTest, PagesByToken) {
  Publish("a-second", kPublished, {"norfolk-pcc", "suffolk-pcc"});
  v1::ListDeadlinesRequest request;
  request.set_parent("bodies/-");
  request.set_page_size(3);
  const auto first = List(kAuditor, request);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->deadlines_size(), 3);
  request.set_page_token(first->next_page_token());
  const auto second = List(kAuditor, request);
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->deadlines_size(), 1);
  EXPECT_EQ(second->deadlines(0).name(), "bodies/suffolk-pcc/deadlines/safe-to-share");
  EXPECT_EQ(second->next_page_token(), "");
  // The token of one caller shows another no more than they may see.
  EXPECT_THAT(List(kNorfolkAuthor, request)->deadlines(), IsEmpty());
  request.set_filter("state = PENDING");
  EXPECT_THAT(List(kAuditor, request), ViolationOn("page_token"));
}

TEST_F(ServiceTest, AListWithNothingAfterItsLastRowHasNoNextPage) {
  v1::ListDeadlinesRequest request;
  request.set_parent("bodies/-");
  request.set_page_size(2);
  EXPECT_EQ(List(kAuditor, request)->next_page_token(), "");
}

TEST_F(ServiceTest, SaysEverythingThatIsWrongWithAList) {
  v1::ListDeadlinesRequest request;
  request.set_parent("forces/norfolk");
  request.set_page_size(-1);
  request.set_page_token("nonsense");
  request.set_filter("state = OPEN AND inspection = norfolk");
  const auto status = List(kAuditor, request);
  EXPECT_THAT(status,
              AllOf(ViolationOn("parent"), ViolationOn("page_size"), ViolationOn("page_token"), ViolationOn("filter")));
}

TEST_F(ServiceTest, ExplainsADateToEverybodyWhoIsKnown) {
  v1::ExplainDeadlineRequest request;
  *request.mutable_publication_date() = base::ToProtoDate(kPublished);
  const auto explained = Explain(server_.As("ann", {}), request);
  ASSERT_THAT(explained, IsOk());
  EXPECT_EQ(explained->provision(), "Police Act 1996, section 55(5A)");
  EXPECT_EQ(*base::ToCivilDay(explained->due_date()), absl::CivilDay(2021, 2, 10));
  EXPECT_EQ(explained->day_number_today(), 55);
  EXPECT_EQ(explained->days_left(), 1);
  EXPECT_EQ(*explained->steps().rbegin(), "Today, 9 February 2021, is day 55 of 56, 1 day left.");
  EXPECT_THAT(Explain(TestServer::AsNobody(), request), StatusIs(absl::StatusCode::kUnauthenticated));

  // A body means nothing without a report, so nobody is refused for it and nothing is told.
  request.set_body("bodies/norfolk-pcc");
  EXPECT_EQ(Explain(server_.As("ann", {}), request)->steps_size(), explained->steps_size());
  request.set_rule("section-56");
  EXPECT_THAT(Explain(server_.As("ann", {}), request),
              AllOf(StatusIs(absl::StatusCode::kNotFound), HasReason("UNKNOWN_RULE")));
  request.set_inspection("inspections/safe-to-share");
  EXPECT_THAT(Explain(server_.As("ann", {}), request), ViolationOn("publication_date"));
}

TEST_F(ServiceTest, ExplainsAReportByItsOwnDateAndBasis) {
  const auto explained = Explain({}, "inspections/safe-to-share");
  ASSERT_THAT(explained, IsOk());
  EXPECT_EQ(*base::ToCivilDay(explained->publication_date()), kPublished);
  EXPECT_EQ(*base::ToCivilDay(explained->due_date()), absl::CivilDay(2021, 2, 10));
  Publish("voluntary", kPublished, {"norfolk-pcc"}, Inspection::VOLUNTARY);
  const auto voluntary = Explain(kNorfolkAuthor, "inspections/voluntary", "bodies/norfolk-pcc");
  ASSERT_THAT(voluntary, IsOk());
  EXPECT_FALSE(voluntary->has_due_date());
  EXPECT_THAT(*voluntary->steps().rbegin(), HasSubstr("voluntary"));
  EXPECT_THAT(Explain({}, "inspections/no-such-report"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ServiceTest, TellsWhereABodyStandsToThoseWhoMayReadItsDeadline) {
  for (const auto& roles : {kNorfolkAuthor, kNorfolkOfficer, kAuditor}) {
    const auto explained = Explain(roles, "inspections/safe-to-share", "bodies/norfolk-pcc");
    ASSERT_THAT(explained, IsOk());
    EXPECT_THAT(*explained->steps().rbegin(), HasSubstr("has not been published yet"));
  }
  ASSERT_THAT(world_.FromPublication(ResponsePublished("norfolk-pcc", "safe-to-share", London(2021, 2, 10, 23, 59))),
              IsOk());
  EXPECT_THAT(*Explain(kNorfolkAuthor, "inspections/safe-to-share", "bodies/norfolk-pcc")->steps().rbegin(),
              HasSubstr("on day 56: in time"));
  // To others it says the same whatever there is.
  const absl::Status existing = Explain(kSuffolkAuthor, "inspections/safe-to-share", "bodies/norfolk-pcc").status();
  EXPECT_THAT(existing, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(existing.ToString(),
            Explain(kSuffolkAuthor, "inspections/no-such-report", "bodies/no-such-body").status().ToString());
  // Its own people learn that there is none.
  EXPECT_THAT(Explain({"author@bodies/essex-pcc"}, "inspections/safe-to-share", "bodies/essex-pcc"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ServiceTest, WhatAWrongClockMissedIsTakenBackWithARecord) {
  // One was rightly missed; then the clock goes wrong, and the other two are.
  Publish("old", absl::CivilDay(2020, 1, 2), {"norfolk-pcc"});
  ASSERT_THAT(world_.Miss("norfolk-pcc", "old"), IsOk());
  server_.clock().Set(London(2021, 4, 9, 12));
  ASSERT_THAT(world_.Miss("norfolk-pcc", "safe-to-share"), IsOk());
  ASSERT_THAT(world_.Miss("suffolk-pcc", "safe-to-share"), IsOk());
  const absl::Time now = London(2021, 2, 9, 12);
  server_.clock().Set(now);

  const auto reinstate = [&](const std::vector<std::string>& roles, const std::string& parent,
                             const std::string& reason, const std::string& request_id) {
    v1::ReinstateDeadlinesRequest request;
    request.set_parent(parent);
    request.set_reason(reason);
    request.set_request_id(request_id);
    v1::ReinstateDeadlinesResponse response;
    const grpc::Status status = stub_->ReinstateDeadlines(server_.As("olive", roles).get(), request, &response);
    return status.ok() ? absl::StatusOr<v1::ReinstateDeadlinesResponse>(response) : AsStatus(status);
  };
  const std::vector<std::string> operators = {"operator"};
  EXPECT_THAT(reinstate(kNorfolkAuthor, "bodies/norfolk-pcc", "why", "1"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(reinstate(kAuditor, "bodies/-", "why", "1"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(reinstate(operators, "bodies/-", " ", "1"), ViolationOn("reason"));
  EXPECT_THAT(reinstate(operators, "norfolk", "why", "1"), ViolationOn("parent"));

  const auto one = reinstate(operators, "bodies/norfolk-pcc", "the clock of the host was wrong", "1");
  ASSERT_THAT(one, IsOk());
  ASSERT_EQ(one->deadlines_size(), 1);
  EXPECT_FALSE(one->more());
  const v1::Deadline kept = world_.Load("norfolk-pcc", "safe-to-share");
  EXPECT_EQ(one->deadlines(0).SerializeAsString(), kept.SerializeAsString());
  EXPECT_EQ(kept.state(), v1::Deadline::PENDING);
  ASSERT_EQ(kept.reinstatements_size(), 1);
  EXPECT_EQ(kept.reinstatements(0).actor(), "people/olive");
  EXPECT_EQ(kept.reinstatements(0).reason(), "the clock of the host was wrong");
  EXPECT_EQ(base::FromTimestamp(kept.reinstatements(0).time()), now);
  EXPECT_EQ(world_.Load("suffolk-pcc", "safe-to-share").state(), v1::Deadline::MISSED);
  EXPECT_EQ(reinstate(operators, "bodies/norfolk-pcc", "the clock of the host was wrong", "1")->deadlines_size(), 1)
      << "the first answer";
  EXPECT_EQ(reinstate(operators, "bodies/norfolk-pcc", "again", "2")->deadlines_size(), 0);
  EXPECT_EQ(reinstate(operators, "bodies/-", "and the rest", "3")->deadlines_size(), 1);
  EXPECT_EQ(world_.Load("suffolk-pcc", "safe-to-share").state(), v1::Deadline::PENDING);
  EXPECT_EQ(world_.Load("norfolk-pcc", "old").state(), v1::Deadline::MISSED) << "that is true";

  const std::vector<common::v1::Event> events = world_.Events();
  const common::v1::Event& last = events.back();
  v1::DeadlineReinstated told;
  ASSERT_TRUE(last.payload().UnpackTo(&told));
  EXPECT_EQ(last.actor(), "people/olive");
  EXPECT_EQ(told.deadline().reinstatements(0).reason(), "and the rest");
  // It is on the timer again, for its own day.
  const auto jobs = world_.jobs().List("bodies/suffolk-pcc", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  ASSERT_EQ(jobs->size(), 1u);
  EXPECT_EQ(base::FromTimestamp(jobs->front().due_time()), London(2021, 2, 11));
}

TEST_F(ServiceTest, AnOperatorIsToldHowManyDutiesAreNear) {
  const auto within_seven_days = [&] {
    return CountDueWithin(*database_, server_.clock().Now(), absl::Hours(7 * 24)).value_or(-1);
  };
  EXPECT_EQ(within_seven_days(), 2) << "due the day after tomorrow";
  server_.clock().Set(London(2021, 2, 3, 23));
  EXPECT_EQ(within_seven_days(), 0);
  server_.clock().Set(London(2021, 2, 11, 12));
  EXPECT_EQ(within_seven_days(), 2) << "one that the timer has not come to is near enough";
  EXPECT_EQ(CountMissed(*database_).value_or(-1), 0);
  ASSERT_THAT(world_.Miss("norfolk-pcc", "safe-to-share"), IsOk());
  EXPECT_EQ(CountMissed(*database_).value_or(-1), 1);
  EXPECT_EQ(within_seven_days(), 1);
}

}  // namespace
}  // namespace section55::deadlines
