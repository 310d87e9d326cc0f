// The job that publishes: what happens between approval and the instant, and when something fails.
#include "services/publication/jobs.h"

#include <numeric>

#include "libs/base/limits.h"
#include "libs/calendar/london.h"
#include "tests/service/publication/fixture.h"

namespace section55::publication {
namespace {

using ::section55::testing::EqualsProto;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class PublisherTest : public PublicationFixture {
 protected:
  // What a reader of the web page gets.
  std::string Page() {
    std::string page;
    EXPECT_THAT(database_->Lookup(
                    [&](db::Transaction& tx) -> absl::Status {
                      const auto bytes = store::LoadNewestRendition(tx, {"norfolk-pcc", "safe-to-share"},
                                                                    v1::GetRenditionRequest::HTML);
                      page = bytes.value_or("");
                      return absl::IsNotFound(bytes.status()) ? absl::OkStatus() : bytes.status();
                    },
                    absl::InfiniteFuture()),
                IsOk());
    return page;
  }

  absl::Status Change(std::string_view sql) {
    return database_->Write([&](db::Transaction& tx) { return tx.Execute(sql).status(); });
  }

  // The last of `expected` events, which is of this type.
  template <typename Payload>
  Payload LastEvent(int expected) {
    Payload payload;
    const auto events = Events(expected);
    EXPECT_THAT(events, SizeIs(expected));
    EXPECT_TRUE(!events.empty() && events.back().payload().UnpackTo(&payload));
    return payload;
  }

  grpc::Status GetStatus() {
    v1::GetPublicationRequest request;
    request.set_name("bodies/norfolk-pcc/publications/safe-to-share");
    v1::PublicationRecord record;
    return stub_->GetPublication(AsReader().get(), request, &record);
  }

  // Markdown tables whose cells become many times as long as JSON.
  static std::string Tables(size_t size) {
    std::string text = "|a|b|c|d|e|f|g|h|\n|-|-|-|-|-|-|-|-|\n";
    while (text.size() < size) {
      text += "|1|2|3|4|5|6|7|8|\n";
    }
    return text;
  }

  // A response with a hundred and eleven answers, each a table of this size.
  static authoring::v1::Response WithTables(size_t size) {
    authoring::v1::Response response = SampleResponse();
    response.clear_answers();
    for (int i = 0; i < 111; ++i) {
      authoring::v1::Answer& answer = *response.add_answers();
      registry::v1::Finding& finding = *response.mutable_report()->add_findings();
      finding.set_id("extra-" + std::to_string(i));
      finding.set_kind(registry::v1::Finding::RECOMMENDATION);
      finding.set_text("Text.");
      answer.set_finding("inspections/safe-to-share/findings/" + finding.id());
      answer.set_kind(authoring::v1::Answer::ACTION_TAKEN);
      answer.set_explanation(Tables(size + (i == 7 ? 500 : 0)));
    }
    return response;
  }

  grpc::Status Check(const authoring::v1::Response& response, v1::CheckRenditionsResponse* sizes) {
    v1::CheckRenditionsRequest request;
    *request.mutable_response() = response;
    return stub_->CheckRenditions(section55::testing::TestServer::AsService("response-authoring").get(), request,
                                  sizes);
  }
};

TEST_F(PublisherTest, RecordsNoInstantBeforeThePageCanBeRead) {
  // The commit of the text begins in the last second of day 56 and ends on day 57.
  const absl::Time midnight = calendar::StartOfLondonDay(absl::CivilDay(2021, 2, 11));
  server_.clock().Set(midnight - absl::Seconds(1));
  std::string page_before;
  watched_.after_write = [&] {
    page_before = Page();
    EXPECT_THAT(GetStatus(), StatusIs(absl::StatusCode::kNotFound));
    server_.clock().Set(midnight + absl::Seconds(1));
    return absl::OkStatus();
  };
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  EXPECT_THAT(page_before, AllOf(HasSubstr("The commissioner comments on the report as a whole."),
                                 HasSubstr("This edition is being published"), Not(HasSubstr("February 2021 at"))));
  EXPECT_EQ(Get().day_number(), 57);
  EXPECT_EQ(Get().late_by_days(), 1);
  EXPECT_GE(Get().published_time().seconds(), absl::ToUnixSeconds(midnight));
  EXPECT_THAT(Page(), AllOf(HasSubstr("11 February 2021 at 00:00:01 GMT"), Not(HasSubstr("being published"))));
  EXPECT_THAT(Copies()[0].queued_time(), EqualsProto(Get().published_time()));
}

TEST_F(PublisherTest, RepeatsNothingAfterACrashBetweenTheTextAndTheInstant) {
  int crashes = 0;
  watched_.after_write = [&] {
    return ++crashes <= 2 ? absl::UnknownError("the process ended here") : absl::OkStatus();
  };
  authoring::v1::ResponseApproved approved;
  *approved.mutable_response() = SampleResponse();
  ASSERT_THAT(Deliver(approved), IsOk());
  for (int attempt = 1; attempt <= 2; ++attempt) {
    ASSERT_TRUE(Eventually([&] { return Attempts() == attempt; })) << attempt;
    EXPECT_THAT(Page(), HasSubstr("This edition is being published"));
    server_.clock().Advance(jobs::Queue::PauseAfter(attempt - 1));
  }
  ASSERT_TRUE(Eventually([&] { return Jobs().waiting == 0; }));
  EXPECT_EQ(crashes, 3);
  EXPECT_EQ(LastEvent<v1::ResponsePublished>(1).publication().edition(), 1);
  EXPECT_THAT(Copies(), SizeIs(4));
  EXPECT_THAT(Page(), Not(HasSubstr("being published")));
}

TEST_F(PublisherTest, LeavesWhatCanBeReadInPlaceWhenItsInstantCannotBeRecorded) {
  watched_.after_write = [] { return absl::DataLossError("for good"); };
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  EXPECT_EQ(Jobs().parked, 1);
  EXPECT_THAT(Page(), HasSubstr("This edition is being published"));
  watched_.after_write = nullptr;
  const auto parked = jobs_.List("bodies/norfolk-pcc", true, {}, 1);
  ASSERT_THAT(*parked, SizeIs(1));
  ASSERT_THAT(jobs_.Retry(std::stoll(parked->front().name().substr(5))), IsOk());
  EXPECT_EQ(LastEvent<v1::ResponsePublished>(1).publication().edition(), 1);
}

TEST_F(PublisherTest, SendsBackWhatCannotBeRenderedAndPublishesItOnceItIsApprovedAgain) {
  authoring::v1::Response response = SampleResponse();
  *response.mutable_approval()->mutable_time() = base::ToTimestamp(server_.clock().Now());
  response.mutable_report()->mutable_publication_date()->set_month(13);
  ASSERT_THAT(Approve(response, "event-1"), IsOk());
  const auto refused = LastEvent<v1::ResponseRefused>(1);
  EXPECT_EQ(refused.response(), "bodies/norfolk-pcc/responses/safe-to-share");
  EXPECT_EQ(refused.edition(), 1);
  EXPECT_THAT(refused.reason(), AllOf(HasSubstr("It cannot be published as it is."),
                                      HasSubstr(" report.publication_date: must be a real date")));
  EXPECT_EQ(Events(1)[0].tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(Events(1)[0].cause(), "event-1");
  EXPECT_EQ(Jobs().parked, 0);
  EXPECT_EQ(Page(), "");

  // The same approval delivered once more is not another one; another is, also by a clock that stands still.
  ASSERT_THAT(Approve(response, "event-1"), IsOk());
  *response.mutable_report()->mutable_publication_date() = SampleResponse().report().publication_date();
  ASSERT_THAT(Approve(response, "event-2"), IsOk());
  EXPECT_EQ(LastEvent<v1::ResponsePublished>(2).publication().edition(), 1);
}

TEST_F(PublisherTest, SendsBackWhatWasDamagedWhereItWasStored) {
  jobs_.Stop();
  authoring::v1::ResponseApproved approved;
  *approved.mutable_response() = SampleResponse();
  *approved.mutable_response()->mutable_approval()->mutable_time() = base::ToTimestamp(server_.clock().Now());
  ASSERT_THAT(Deliver(approved), IsOk());
  ASSERT_THAT(Change("UPDATE approvals SET checksum = checksum + 1"), IsOk());
  ASSERT_THAT(Change("UPDATE reports SET checksum = checksum + 1"), IsOk());
  jobs_.Start();
  EXPECT_THAT(LastEvent<v1::ResponseRefused>(1).reason(), HasSubstr("Approve it again"));
  // What arrives whole takes the place of what was damaged.
  *approved.mutable_response()->mutable_approval()->mutable_time() =
      base::ToTimestamp(server_.clock().Now() + absl::Minutes(5));
  ASSERT_THAT(Approve(approved.response()), IsOk());
  EXPECT_EQ(LastEvent<v1::ResponsePublished>(2).publication().edition(), 1);
}

TEST_F(PublisherTest, ChangesNothingWhenAnApprovalIsDeliveredTwiceBeforeItIsPublished) {
  jobs_.Stop();
  authoring::v1::ResponseApproved approved;
  *approved.mutable_response() = SampleResponse();
  ASSERT_THAT(Deliver(approved), IsOk());
  approved.mutable_response()->set_comments("Not what was approved.");
  *approved.mutable_response()->mutable_approval()->mutable_time() = base::ToTimestamp(absl::Now());
  ASSERT_THAT(Deliver(approved), IsOk());
  EXPECT_EQ(Jobs().waiting, 1);
  jobs_.Start();
  ASSERT_TRUE(Eventually([&] { return Jobs().waiting == 0; }));
  EXPECT_THAT(Page(), Not(HasSubstr("Not what was approved.")));
}

TEST_F(PublisherTest, KeepsAReportOnceForAllWhoAnswerIt) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  ASSERT_THAT(Approve(ResponseTo("safe-to-share", "suffolk-pcc")), IsOk());
  int reports = 0, with_report = 0;
  ASSERT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Query("SELECT report FROM reports", {}, [&](const db::Row&) { ++reports; }));
    return tx.Query("SELECT content FROM approvals", {}, [&](const db::Row& row) {
      with_report += row.Text(0).find("Text of recommendation five.") != std::string_view::npos ? 1 : 0;
    });
  }),
              IsOk());
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(with_report, 0);
  EXPECT_THAT(Page(), HasSubstr("Text of recommendation five."));
}

TEST_F(PublisherTest, ChecksWithTheSameCodeAsItPublishes) {
  v1::CheckRenditionsResponse sizes;
  ASSERT_THAT(Check(SampleResponse(), &sizes), IsOk());
  EXPECT_THAT(GetStatus(), StatusIs(absl::StatusCode::kNotFound)) << "a check publishes nothing";
  std::string staged;
  watched_.after_write = [&] {
    staged = Page();
    return absl::OkStatus();
  };
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  ASSERT_EQ(sizes.renditions_size(), 5);
  EXPECT_EQ(sizes.renditions(0).format(), v1::GetRenditionRequest::HTML);
  EXPECT_EQ(sizes.renditions(0).bytes(), static_cast<int64_t>(staged.size()));
  EXPECT_EQ(sizes.renditions(1).format(), v1::GetRenditionRequest::JSON);
  const auto chunks = Rendition(v1::GetRenditionRequest::JSON);
  EXPECT_EQ(sizes.renditions(1).bytes(),
            static_cast<int64_t>(std::accumulate(chunks.begin(), chunks.end(), std::string()).size()));
}

TEST_F(PublisherTest, SaysWhatCannotBePublishedBeforeItIsApproved) {
  v1::CheckRenditionsResponse sizes;
  EXPECT_THAT(Check(WithTables(11'000), &sizes), section55::testing::ViolationOn("response.answers[7].explanation"));
  EXPECT_THAT(Check(authoring::v1::Response(), &sizes), section55::testing::ViolationOn("response.name"));
  authoring::v1::Response response = SampleResponse();
  response.clear_edition();
  EXPECT_THAT(Check(response, &sizes), section55::testing::ViolationOn("response.edition"));
  v1::CheckRenditionsRequest request;
  *request.mutable_response() = SampleResponse();
  EXPECT_THAT(stub_->CheckRenditions(AsAuthor().get(), request, &sizes), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(PublisherTest, PublishesWhateverPassesTheCheckAndSendsBackTheRest) {
  int published = 0, refused = 0, sent = 0;
  for (const size_t size : {size_t{500}, size_t{11'000}}) {
    authoring::v1::Response response = WithTables(size);
    response.set_name("bodies/norfolk-pcc/responses/tables-" + std::to_string(size));
    v1::CheckRenditionsResponse sizes;
    const bool passes = Check(response, &sizes).ok();
    ASSERT_THAT(Approve(response), IsOk());
    const auto event = Events(++sent).back();
    EXPECT_EQ(event.payload().Is<v1::ResponsePublished>(), passes) << size;
    published += passes ? 1 : 0;
    if (!passes) {
      ++refused;
      v1::ResponseRefused reason;
      ASSERT_TRUE(event.payload().UnpackTo(&reason));
      EXPECT_THAT(reason.reason(), HasSubstr("answers[7].explanation"));
    }
  }
  EXPECT_GT(published, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(PublisherTest, RendersAResponseOfTheLargestSize) {
  authoring::v1::Response response = SampleResponse();
  response.clear_answers();
  response.mutable_report()->clear_findings();
  const std::string words = "The commissioner has taken this up with the chief constable. ";
  std::string text;
  while (text.size() + words.size() < 9'000) {
    text += words;
  }
  for (int i = 0; response.ByteSizeLong() + 2 * text.size() + 1000 < base::kLargestResponse; ++i) {
    registry::v1::Finding& finding = *response.mutable_report()->add_findings();
    finding.set_id("recommendation-" + std::to_string(i));
    finding.set_kind(registry::v1::Finding::RECOMMENDATION);
    finding.set_text(text);
    authoring::v1::Answer& answer = *response.add_answers();
    answer.set_finding("inspections/safe-to-share/findings/" + finding.id());
    answer.set_kind(authoring::v1::Answer::ACTION_TAKEN);
    answer.set_explanation(text);
  }
  v1::CheckRenditionsResponse sizes;
  ASSERT_THAT(Check(response, &sizes), IsOk());
  for (const v1::RenditionSize& size : sizes.renditions()) {
    EXPECT_LE(size.bytes(), static_cast<int64_t>(base::kLargestRendition));
  }
  ASSERT_THAT(Approve(response), IsOk());
  EXPECT_EQ(LastEvent<v1::ResponsePublished>(1).publication().edition(), 1);
}

}  // namespace
}  // namespace section55::publication
