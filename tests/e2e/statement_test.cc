// What the register says is true: that the chief officer kept silent, that somebody has read and approved just this text, and when.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "libs/base/proto_time.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "tests/e2e/main_job.h"

namespace section55::e2e {
namespace {

using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;
using ::testing::AllOf;
using testing::HasReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Not;
using ::testing::SizeIs;
using testing::StatusIs;
using testing::Suite;
using testing::ViolationOn;

constexpr char kReport[] = "safe-to-share";

class StatementTest : public ::testing::TestWithParam<db::Engine> {
 protected:
  StatementTest() : suite_({.engine = GetParam()}), job_(suite_) {
    job_.Register({norfolk_, suffolk_});
    job_.Publish(kReport, SafeToShare());
    job_.AwaitResponse(ResponseName(norfolk_, kReport));
    job_.AwaitResponse(ResponseName(suffolk_, kReport));
  }

  absl::Status RecordNoComments(const std::string& person, const std::string& name) {
    authoring::v1::RecordNoCommentsRequest request;
    request.set_name(name);
    return suite_.Call(person, &ResponseAuthoring::Stub::RecordNoComments, request).status();
  }

  absl::Status Submit(const std::string& name, const std::string& etag) {
    authoring::v1::SubmitResponseRequest request;
    request.set_name(name);
    request.set_etag(etag);
    return suite_.Call("norfolk-author", &ResponseAuthoring::Stub::SubmitResponse, request).status();
  }

  absl::Status Approve(const std::string& name, const std::string& etag) {
    authoring::v1::ApproveResponseRequest request;
    request.set_name(name);
    request.set_etag(etag);
    return suite_.Call("norfolk-approver", &ResponseAuthoring::Stub::ApproveResponse, request).status();
  }

  std::string PublishedPage(const Area& area) {
    const std::string name = PublicationName(area, kReport);
    const auto record = suite_.AwaitEvent<publication::v1::ResponsePublished>(name).publication();
    httplib::Client client("127.0.0.1", suite_.web_port());
    const auto page = client.Get(record.page_path().c_str());
    EXPECT_TRUE(page && page->status == 200);
    return page ? page->body : "";
  }

  void Finish(const Area& area) {
    const std::string name = ResponseName(area, kReport);
    job_.Write(area, job_.Get(area.force + "-author", name), "final");
    job_.Submit(area, name);
    job_.Approve(area, name);
  }

  // A response that says that nobody commented.
  bool Silent(const std::string& name) { return job_.Get("auditor", name).chief_officer().has_no_comments_time(); }

  const Area norfolk_ = ReadAreas({"norfolk"}).front();
  const Area suffolk_ = ReadAreas({"suffolk"}).front();
  Suite suite_;
  MainJob job_;
};

TEST_P(StatementTest, SilenceIsRecordedWhenTheDayHasPassedAndNotBefore) {
  const std::string name = ResponseName(norfolk_, kReport);
  const std::string other = ResponseName(suffolk_, kReport);
  suite_.SetTime(London(2020, 12, 18, 9, 0));
  job_.Invite(norfolk_, name, Date(2021, 1, 14));
  job_.Invite(suffolk_, other, Date(2021, 1, 14));
  const auto still_invited =
      AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("COMMENTS_STILL_INVITED"));
  EXPECT_THAT(RecordNoComments("norfolk-author", name), still_invited);
  const absl::Time midnight = London(2021, 1, 15, 0, 0);
  suite_.SetTime(midnight - absl::Seconds(1));
  EXPECT_THAT(RecordNoComments("norfolk-approver", name), still_invited);
  job_.Comment(suffolk_, other);  // in the last second of the day
  EXPECT_FALSE(Silent(name));
  suite_.SetTime(midnight);
  ASSERT_TRUE(suite_.AwaitEvent<authoring::v1::ChiefOfficerCommented>(name).no_comments());
  EXPECT_EQ(base::FromTimestamp(job_.Get("norfolk-author", name).chief_officer().no_comments_time()), midnight);
  EXPECT_FALSE(Silent(other));

  // Late comments are still comments: what was recorded is taken back, and what stands in the page is true.
  Finish(norfolk_);
  Finish(suffolk_);
  const std::string quiet = PublishedPage(norfolk_);
  EXPECT_THAT(quiet, HasSubstr("was invited to comment and made no comments"));
  EXPECT_THAT(quiet, Not(HasSubstr("Rowan Aldous")));
  EXPECT_THAT(PublishedPage(suffolk_), AllOf(HasSubstr("Rowan Aldous"), HasSubstr("We accept what is said to us.")));
}

TEST_P(StatementTest, TheForceItselfMaySayAtOnceThatItHasNoCommentsAndChangeItsMind) {
  const std::string name = ResponseName(norfolk_, kReport);
  job_.Invite(norfolk_, name, Date(2021, 1, 14));
  ASSERT_THAT(RecordNoComments("norfolk-chief-officer", name), IsOk());
  EXPECT_TRUE(Silent(name));
  job_.Comment(norfolk_, name);
  EXPECT_FALSE(Silent(name));
  // What is withdrawn to the last is as if it had never come: the day decides.
  authoring::v1::WithdrawChiefOfficerCommentsRequest withdraw;
  withdraw.set_name(name);
  const Response commented = job_.Get("norfolk-chief-officer", name);
  for (const auto& contribution : commented.chief_officer().contributions()) {
    withdraw.add_contribution_ids(contribution.id());
  }
  ASSERT_THAT(withdraw.contribution_ids(), SizeIs(2));
  const auto left = job_.Do("norfolk-chief-officer", &ResponseAuthoring::Stub::WithdrawChiefOfficerComments, withdraw);
  EXPECT_THAT(left.chief_officer().contributions(), IsEmpty());
  EXPECT_FALSE(left.chief_officer().has_no_comments_time());
  // Whoever starts the service anew does not lose the day.
  suite_.Kill(testing::Service::kAuthoring);
  suite_.Start(testing::Service::kAuthoring);
  suite_.AwaitServing(testing::Service::kAuthoring);
  suite_.SetTime(London(2021, 1, 15, 0, 0));
  EXPECT_TRUE(suite_.Until("the silence is recorded", [&] { return Silent(name); }));
  Finish(norfolk_);
  const std::string page = PublishedPage(norfolk_);
  EXPECT_THAT(page, HasSubstr("was invited to comment and made no comments"));
  EXPECT_THAT(page, Not(HasSubstr("Rowan Aldous")));
}

TEST_P(StatementTest, NobodyApprovesOrSubmitsWhatTheyHaveNotRead) {
  const std::string name = ResponseName(norfolk_, kReport);
  job_.Invite(norfolk_, name, Date(2021, 1, 14));
  job_.Comment(norfolk_, name);
  const Response opened = job_.Get("norfolk-author", name);
  job_.Write(norfolk_, opened, "first");
  const auto changed = AllOf(StatusIs(absl::StatusCode::kAborted), HasReason("ETAG_MISMATCH"));
  EXPECT_THAT(Submit(name, ""), ViolationOn("etag"));
  EXPECT_THAT(Submit(name, opened.etag()), changed);
  job_.Submit(norfolk_, name);
  const std::string read = job_.Get("norfolk-approver", name).etag();
  job_.Return(norfolk_, name, "Say more.");
  job_.Write(norfolk_, opened, "second");
  job_.Submit(norfolk_, name);
  EXPECT_THAT(Approve(name, ""), ViolationOn("etag"));
  EXPECT_THAT(Approve(name, read), changed) << "another text than the one that was read";
  EXPECT_EQ(job_.Get("auditor", name).state(), Response::IN_REVIEW);
  EXPECT_THAT(Approve(name, job_.Get("norfolk-approver", name).etag()), IsOk());
  const std::string page = PublishedPage(norfolk_);
  EXPECT_THAT(page, HasSubstr("Comments second"));
  EXPECT_THAT(page, Not(HasSubstr("Comments first")));
}

INSTANTIATE_TEST_SUITE_P(Engines, StatementTest, ::testing::Values(db::Engine::kSqlite, db::Engine::kMysql),
                         [](const ::testing::TestParamInfo<db::Engine>& engine) { return testing::NameOf(engine); });

}  // namespace
}  // namespace section55::e2e
