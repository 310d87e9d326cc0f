// What the chief officer is asked, says, takes back, and what happens when nothing is said.
#include "libs/base/limits.h"
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

TEST_F(AuthoringTest, ARepeatFromTheForceStillHidesTheDraft) {
  ASSERT_THAT(SetComments(kAuthor, "Draft."), IsOk());
  v1::SubmitChiefOfficerCommentsRequest request;
  request.set_name(kNorfolk);
  request.set_request_id("request-2");
  auto* contribution = request.add_contributions();
  contribution->set_author("C. Officer");
  contribution->set_rank("Chief Constable");
  contribution->set_text("We agree.");
  for (int i = 0; i < 2; ++i) {
    v1::Response response;
    ASSERT_THAT(stub_->SubmitChiefOfficerComments(As(kChief).get(), request, &response), IsOk());
    EXPECT_EQ(response.comments(), "");
    EXPECT_EQ(response.chief_officer().contributions_size(), 1);
  }
  EXPECT_THAT(Comment(kAuthor), StatusIs(absl::StatusCode::kPermissionDenied)) << "the force's words are the force's";
}

TEST_F(AuthoringTest, TheForceChangesAndWithdrawsWhatItSaidUnderItsOwnEtag) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  ASSERT_THAT(Comment(kChief), IsOk());
  ASSERT_THAT(SetComments(kAuthor, "The office writes meanwhile."), IsOk());
  v1::Response seen = Get(kChief);
  ASSERT_EQ(seen.chief_officer().contributions_size(), 1);
  v1::SubmitChiefOfficerCommentsRequest correction;
  correction.set_name(kNorfolk);
  correction.set_etag(seen.etag());
  *correction.add_contributions() = seen.chief_officer().contributions(0);
  correction.mutable_contributions(0)->set_author("C. Öfficer");
  ASSERT_THAT(stub_->SubmitChiefOfficerComments(As(kChief).get(), correction, &seen), IsOk());
  ASSERT_EQ(seen.chief_officer().contributions_size(), 1);
  EXPECT_EQ(seen.chief_officer().contributions(0).author(), "C. Öfficer");
  EXPECT_THAT(stub_->SubmitChiefOfficerComments(As(kChief).get(), correction, &seen), HasReason("ETAG_MISMATCH"));

  v1::WithdrawChiefOfficerCommentsRequest withdraw;
  withdraw.set_name(kNorfolk);
  withdraw.add_contribution_ids("contribution-1");
  EXPECT_THAT(stub_->WithdrawChiefOfficerComments(As(kAuthor).get(), withdraw, &seen),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(stub_->WithdrawChiefOfficerComments(As(kChief).get(), withdraw, &seen), IsOk());
  EXPECT_EQ(seen.chief_officer().contributions_size(), 0);
  EXPECT_EQ(seen.comments(), "");
  EXPECT_FALSE(Get(kAuthor).chief_officer().has_commented_time());
  EXPECT_THAT(stub_->WithdrawChiefOfficerComments(As(kChief).get(), withdraw, &seen),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(EventCounts()["ChiefOfficerCommented"], 3);
}

TEST_F(AuthoringTest, TheOfficeCannotSayThatThereAreNoCommentsWhileTheyAreInvited) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  EXPECT_THAT(RecordNoComments(kAuthor), HasReason("COMMENTS_STILL_INVITED"));
  EXPECT_THAT(RecordNoComments(kApprover), HasReason("COMMENTS_STILL_INVITED"));
  // Somebody of the office stays somebody of the office, whatever else they are.
  EXPECT_THAT(RecordNoComments({"both", {"author@bodies/norfolk-pcc", "chief-officer@forces/norfolk"}}),
              HasReason("COMMENTS_STILL_INVITED"));
  EXPECT_THAT(RecordNoComments({"carl", {"contributor@forces/norfolk"}}),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(Comment(kChief), IsOk()) << "and the force can comment still";
  EXPECT_THAT(RecordNoComments(kChief), HasReason("HAS_COMMENTS"));
}

TEST_F(AuthoringTest, TheChiefOfficerCanSayAtOnceThatThereAreNone) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  ASSERT_THAT(RecordNoComments(kChief), IsOk());
  ASSERT_THAT(WriteAll(), IsOk());
  EXPECT_THAT(Submit(Get(kAuthor).etag()), IsOk());
}

class SilenceTest : public AuthoringTest {
 protected:
  // Waits for the event that says so.
  v1::Response AwaitSilence() {
    for (bool found = false; !found;) {
      EXPECT_TRUE(log_.WaitBeyond(seen_, absl::Seconds(60)));
      const auto page = log_.Read(seen_, 1000);
      EXPECT_THAT(page, IsOk());
      for (const auto& event : page->events) {
        seen_ = event.position();
        v1::ChiefOfficerCommented commented;
        if (event.payload().UnpackTo(&commented) && commented.no_comments()) {
          found = true;
          EXPECT_EQ(event.actor(), "services/response-authoring");
          EXPECT_EQ(event.cause(), "timer");
        }
      }
    }
    return Get(kAuditor);
  }

  // Lets everything happen that is due at this time.
  void SetClock(absl::CivilMinute minute) {
    server_.clock().Set(absl::FromCivil(minute, absl::UTCTimeZone()));
    jobs_.Start();
    log_.Start();
  }
};

TEST_F(SilenceTest, IsRecordedByItselfWhenTheDayHasPassed) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  const auto jobs = jobs_.List("", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  ASSERT_EQ(jobs->size(), 1u);
  EXPECT_EQ(base::FromTimestamp((*jobs)[0].due_time()),
            absl::FromCivil(absl::CivilDay(2021, 1, 15), absl::UTCTimeZone()));
  SetClock(absl::CivilMinute(2021, 1, 15, 0, 0));
  const v1::Response response = AwaitSilence();
  EXPECT_EQ(base::FromTimestamp(response.chief_officer().no_comments_time()),
            absl::FromCivil(absl::CivilDay(2021, 1, 15), absl::UTCTimeZone()));
}

TEST_F(SilenceTest, WaitsForTheDayThatWasSetLast) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 28)), IsOk());
  const auto jobs = jobs_.List("bodies/norfolk-pcc", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  ASSERT_EQ(jobs->size(), 1u) << "the first was replaced";
  EXPECT_EQ(base::FromTimestamp((*jobs)[0].due_time()),
            absl::FromCivil(absl::CivilDay(2021, 1, 29), absl::UTCTimeZone()));
}

TEST_F(SilenceTest, IsNotRecordedOverCommentsButAfterTheirWithdrawal) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  ASSERT_THAT(Comment(kChief), IsOk());
  const auto jobs = jobs_.List("", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  EXPECT_THAT(*jobs, IsEmpty()) << "nothing is left to be recorded";
  SetClock(absl::CivilMinute(2021, 1, 15, 8, 0));
  v1::WithdrawChiefOfficerCommentsRequest withdraw;
  withdraw.set_name(kNorfolk);
  withdraw.add_contribution_ids("contribution-1");
  v1::Response response;
  ASSERT_THAT(stub_->WithdrawChiefOfficerComments(As(kChief).get(), withdraw, &response), IsOk());
  EXPECT_TRUE(AwaitSilence().chief_officer().has_no_comments_time());
}

TEST_F(SilenceTest, IsRecordedBySubmittingWhenNobodyWasFaster) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  ASSERT_THAT(WriteAll(), IsOk());
  EXPECT_THAT(Submit(Get(kAuthor).etag()), HasReason("INCOMPLETE"));
  server_.clock().Set(absl::FromCivil(absl::CivilHour(2021, 1, 15, 9), absl::UTCTimeZone()));
  ASSERT_THAT(Submit(Get(kAuthor).etag()), IsOk());
  EXPECT_TRUE(Get(kAuthor).chief_officer().has_no_comments_time());
  const std::map<std::string, int> counts = EventCounts();
  EXPECT_EQ(counts.at("ChiefOfficerCommented"), 1);
  EXPECT_EQ(counts.at("ResponseSubmitted"), 1);
}

}  // namespace
}  // namespace section55::authoring
