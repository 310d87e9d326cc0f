// May 2028 through all four services: the commissioners end, boards begin; and a report that is corrected and withdrawn.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "tests/e2e/main_job.h"

namespace section55::e2e {
namespace {

using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;
using deadlines::v1::Deadline;
using deadlines::v1::DeadlineScheduler;
using publication::v1::Publication;
using registry::v1::Body;
using registry::v1::Inspection;
using registry::v1::InspectionRegistry;
using ::testing::ElementsAre;
using testing::StatusIs;

constexpr char kReport[] = "last-of-the-commissioners";

class SuccessionTest : public ::testing::TestWithParam<db::Engine> {
 protected:
  SuccessionTest() : suite_({.engine = GetParam(), .now = London(2028, 4, 3, 9, 0)}), job_(suite_) {
    for (const Area& area : {norfolk_, suffolk_}) {
      MakePeople(area);
    }
    job_.Register({norfolk_, suffolk_});
  }

  static Inspection Report(int month, int day) {
    Inspection report = SafeToShare();
    *report.mutable_publication_date() = Date(2028, month, day);
    return report;
  }

  // The board of an area takes the place of its commissioner on 8 May 2028.
  void RegisterBoard(const Area& area) {
    registry::v1::CreateBodyRequest create;
    create.set_body_id(area.force + "-board");
    create.mutable_body()->set_display_name(fmt::format("{} Policing and Crime Board", area.force));
    create.mutable_body()->set_kind(Body::POLICING_AND_CRIME_BOARD);
    *create.mutable_body()->mutable_valid_from() = Date(2028, 5, 8);
    job_.Do("registrar", &InspectionRegistry::Stub::CreateBody, create);
    registry::v1::SucceedBodyRequest succeed;
    succeed.set_name("bodies/" + area.body);
    succeed.set_successor("bodies/" + area.force + "-board");
    *succeed.mutable_date() = Date(2028, 5, 8);
    succeed.set_reason("Police and crime commissioners are abolished");
    job_.Do("registrar", &InspectionRegistry::Stub::SucceedBody, succeed);
  }

  Deadline GetDeadline(const std::string& name) {
    deadlines::v1::GetDeadlineRequest request;
    request.set_name(name);
    return job_.Do("auditor", &DeadlineScheduler::Stub::GetDeadline, request);
  }

  absl::StatusOr<Response> TryGet(const std::string& person, const std::string& name) {
    authoring::v1::GetResponseRequest request;
    request.set_name(name);
    return suite_.Call(person, &ResponseAuthoring::Stub::GetResponse, request);
  }

  const Area norfolk_ = ReadAreas({"norfolk"}).front();
  const Area suffolk_ = ReadAreas({"suffolk"}).front();
  testing::Suite suite_;
  MainJob job_;
};

TEST_P(SuccessionTest, InMay2028TheBoardsGoOnWhereTheCommissionersEnd) {
  const std::string norfolk = ResponseName(norfolk_, kReport);
  const std::string suffolk = ResponseName(suffolk_, kReport);
  Area board = suffolk_;
  board.body = "suffolk-board";
  const std::string next = ResponseName(board, kReport);

  // Both owe a response; Norfolk's commissioner publishes, Suffolk's is still writing.
  job_.Publish(kReport, Report(4, 3));
  job_.AwaitResponse(norfolk);
  job_.AwaitResponse(suffolk);
  for (const Area& area : {norfolk_, suffolk_}) {
    job_.Invite(area, ResponseName(area, kReport), Date(2028, 5, 2));
    job_.Comment(area, ResponseName(area, kReport));
    job_.Write(area, job_.Get(area.force + "-author", ResponseName(area, kReport)), area.force);
  }
  job_.Submit(norfolk_, norfolk);
  job_.Approve(norfolk_, norfolk);
  job_.AwaitPublished(norfolk);
  RegisterBoard(norfolk_);
  RegisterBoard(suffolk_);

  // The last second of the old, and the first of the new.
  suite_.SetTime(London(2028, 5, 8, 0, 0) - absl::Seconds(1));
  EXPECT_EQ(job_.Get("suffolk-author", suffolk).state(), Response::OPEN);
  suite_.SetTime(London(2028, 5, 8, 0, 0));
  const Response opened = job_.AwaitResponse(next);
  EXPECT_EQ(opened.body().kind(), Body::POLICING_AND_CRIME_BOARD);
  EXPECT_THAT(opened.transferred_from(), ElementsAre(suffolk));
  EXPECT_EQ(job_.Get("auditor", suffolk).state(), Response::TRANSFERRED);
  EXPECT_EQ(job_.Get("auditor", suffolk).closure().transferred_to(), next);
  const Deadline deadline = job_.AwaitDeadline(DeadlineName(board, kReport));
  EXPECT_EQ(base::ToCivilDay(deadline.due_date()), absl::CivilDay(2028, 5, 28)) << "the same day";
  EXPECT_EQ(GetDeadline(DeadlineName(suffolk_, kReport)).state(), Deadline::TRANSFERRED);

  // Old names still resolve.
  registry::v1::GetBodyRequest get;
  get.set_name("bodies/suffolk-pcc");
  EXPECT_EQ(job_.Do("suffolk-author", &InspectionRegistry::Stub::GetBody, get).succession().successor(),
            "bodies/suffolk-board");

  // Everyone's grants follow: the same people finish what they began, under the board's name.
  const Response draft = job_.Get("suffolk-author", next);
  EXPECT_EQ(draft.comments(), job_.Get("suffolk-author", suffolk).comments());
  EXPECT_EQ(draft.chief_officer().contributions_size(), 2);
  EXPECT_EQ(job_.Get("suffolk-chief-officer", next).chief_officer().contributions_size(), 2);
  EXPECT_THAT(TryGet("norfolk-author", next), StatusIs(absl::StatusCode::kPermissionDenied));
  job_.Submit(suffolk_, next);
  job_.Approve(suffolk_, next);
  job_.AwaitPublished(next);
  EXPECT_EQ(suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(board, kReport)).deadline().met_day_number(),
            36);
  publication::v1::ListCopiesRequest copies;
  copies.set_parent(PublicationName(board, kReport));
  EXPECT_GE(job_.Do("suffolk-author", &Publication::Stub::ListCopies, copies).copies_size(), 3);

  // What was published stays under its author.
  EXPECT_EQ(job_.Get("auditor", norfolk).state(), Response::PUBLISHED);
  publication::v1::GetPublicationRequest published;
  published.set_name(PublicationName(norfolk_, kReport));
  EXPECT_EQ(job_.Do("norfolk-author", &Publication::Stub::GetPublication, published).body_title(),
            "Police and Crime Commissioner for Norfolk");
  EXPECT_EQ(GetDeadline(DeadlineName(norfolk_, kReport)).state(), Deadline::MET);
  EXPECT_THAT(TryGet("auditor", fmt::format("bodies/norfolk-board/responses/{}", kReport)),
              StatusIs(absl::StatusCode::kNotFound));

  // A report published after the day concerns the boards.
  suite_.SetTime(London(2028, 5, 9, 9, 0));
  job_.Publish("first-of-the-boards", Report(5, 9));
  job_.AwaitResponse("bodies/norfolk-board/responses/first-of-the-boards");
  job_.AwaitResponse("bodies/suffolk-board/responses/first-of-the-boards");
  EXPECT_THAT(TryGet("auditor", "bodies/norfolk-pcc/responses/first-of-the-boards"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(SuccessionTest, ACorrectionReachesEverybodyAndAWithdrawalClosesWhatIsOpen) {
  const std::string norfolk = ResponseName(norfolk_, "corrected");
  Inspection report = Report(4, 3);
  report.mutable_publication_date()->clear_day();
  job_.Publish("corrected", report);
  job_.AwaitResponse(norfolk);
  deadlines::v1::ExplainDeadlineRequest explain;
  explain.set_inspection("inspections/corrected");
  suite_.Until("the scheduler knows the report", [&] {
    const auto explained = suite_.Call("auditor", &DeadlineScheduler::Stub::ExplainDeadline, explain);
    return explained.ok() && !explained->has_due_date();
  });

  // The day becomes known, and the clock starts.
  registry::v1::CorrectInspectionRequest correct;
  correct.mutable_inspection()->set_name("inspections/corrected");
  *correct.mutable_inspection()->mutable_publication_date() = Date(2028, 4, 3);
  correct.mutable_inspection()->mutable_scope()->add_forces("forces/norfolk");
  correct.mutable_update_mask()->add_paths("publication_date");
  correct.mutable_update_mask()->add_paths("scope");
  correct.set_reason("It was published on 3 April, about Norfolk alone");
  const Inspection corrected = job_.Do("registrar", &InspectionRegistry::Stub::CorrectInspection, correct);
  EXPECT_EQ(corrected.effect().keeps_size(), 1);
  EXPECT_EQ(corrected.effect().closes_size(), 1);
  EXPECT_EQ(base::ToCivilDay(job_.AwaitDeadline(DeadlineName(norfolk_, "corrected")).due_date()),
            absl::CivilDay(2028, 5, 28));
  suite_.AwaitEvent<authoring::v1::ResponseCorrected>(norfolk);
  EXPECT_EQ(job_.Get("norfolk-author", norfolk).report().revision(), 2);
  EXPECT_EQ(suite_.AwaitEvent<authoring::v1::ResponseClosed>(ResponseName(suffolk_, "corrected")).closure().kind(),
            authoring::v1::Closure::NOT_OWED);

  registry::v1::WithdrawInspectionRequest withdraw;
  withdraw.set_name("inspections/corrected");
  withdraw.set_reason("Published by mistake");
  job_.Do("registrar", &InspectionRegistry::Stub::WithdrawInspection, withdraw);
  suite_.AwaitEvent<authoring::v1::ResponseClosed>(norfolk);
  EXPECT_EQ(job_.Get("norfolk-author", norfolk).state(), Response::WITHDRAWN);
  const auto cancelled = suite_.AwaitEvent<deadlines::v1::DeadlineCancelled>(DeadlineName(norfolk_, "corrected"));
  EXPECT_THAT(cancelled.deadline().cancellation_reason(), ::testing::HasSubstr("Published by mistake"));
}

INSTANTIATE_TEST_SUITE_P(OnBothEngines, SuccessionTest, ::testing::Values(db::Engine::kSqlite, db::Engine::kMysql),
                         [](const auto& info) { return info.param == db::Engine::kSqlite ? "Sqlite" : "MariaDb"; });

}  // namespace
}  // namespace section55::e2e
