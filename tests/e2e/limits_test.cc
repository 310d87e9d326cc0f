// The table of sizes (libs/base/limits.h) at its edges: what one limit lets in never fails at the next, and what would is refused when
// it is saved, by field, and changes nothing.

#include "libs/base/limits.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <regex>

#include "libs/base/ids.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "tests/e2e/main_job.h"

namespace section55::e2e {
namespace {

using authoring::v1::Answer;
using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;
using publication::v1::GetRenditionRequest;
using publication::v1::Publication;
using registry::v1::Finding;
using registry::v1::Inspection;
using registry::v1::InspectionRegistry;
using ::testing::AllOf;
using testing::HasReason;
using testing::IsOk;
using testing::Service;
using ::testing::SizeIs;
using testing::StatusIs;
using testing::Suite;
using testing::ViolationOn;

constexpr char kReport[] = "the-longest";
constexpr int kRecommendations = 111;

// Plain words, `bytes` of them.
std::string Prose(size_t bytes) {
  constexpr std::string_view kWords = "The office has looked into it with the force, and says so here at length. ";
  std::string text;
  while (text.size() < bytes) {
    text += kWords;
  }
  text.resize(bytes);
  text.back() = '.';
  return text;
}

// A table of figures, and words around it.
std::string ProseWithTable(size_t bytes) {
  std::string text = "| Year | Crimes | Solved |\n|---|---:|---:|\n";
  for (int year = 2000; year < 2020; ++year) {
    text += fmt::format("| {} | {} | {} |\n", year, year * 31 % 5000, year * 17 % 3000);
  }
  text += "\n";
  return text + Prose(bytes - text.size());
}

// How long the refused thing would have been, as the violation says.
size_t BytesIn(const absl::Status& status) {
  const google::rpc::BadRequest bad_request = base::BadRequestOf(status);
  std::smatch match;
  const std::string words = bad_request.field_violations().empty() ? "" : bad_request.field_violations(0).description();
  if (!std::regex_search(words, match, std::regex("([0-9]+) bytes long"))) {
    ADD_FAILURE() << "no length is named: " << status.ToString();
    return 0;
  }
  return std::stoul(match[1]);
}

class LimitsTest : public ::testing::TestWithParam<db::Engine> {
 protected:
  explicit LimitsTest(std::vector<std::string> flags = {})
      : suite_({.engine = GetParam(), .flags = std::move(flags)}), job_(suite_) {}

  Response Read() { return job_.Get("norfolk-author", name_); }

  absl::Status SaveComments(const std::string& comments) {
    authoring::v1::UpdateResponseRequest request;
    request.mutable_response()->set_name(name_);
    request.mutable_response()->set_comments(comments);
    request.mutable_update_mask()->add_paths("comments");
    return suite_.Call("norfolk-author", &ResponseAuthoring::Stub::UpdateResponse, request).status();
  }

  absl::Status Contribute(const std::string& id, const std::string& text) {
    authoring::v1::SubmitChiefOfficerCommentsRequest request;
    request.set_name(name_);
    auto& contribution = *request.add_contributions();
    contribution.set_id(id);
    contribution.set_author("Rowan Aldous");
    contribution.set_rank("Chief Constable");
    contribution.set_text(text);
    return suite_.Call("norfolk-chief-officer", &ResponseAuthoring::Stub::SubmitChiefOfficerComments, request).status();
  }

  void PublishLargestReport();
  void WriteLargestForcePart();
  void WriteLargestBodyPart();
  void ExpectReadable();

  Suite suite_;
  MainJob job_;
  const Area norfolk_ = ReadAreas({"norfolk"}).front();
  const std::string name_ = ResponseName(norfolk_, kReport);
};

void LimitsTest::PublishLargestReport() {
  registry::v1::CreateInspectionRequest create;
  create.set_inspection_id(kReport);
  Inspection& inspection = *create.mutable_inspection();
  inspection = SafeToShare();
  inspection.clear_findings();
  for (int i = 1; i <= kRecommendations; ++i) {
    Finding& finding = *inspection.add_findings();
    finding.set_kind(Finding::RECOMMENDATION);
    finding.set_number(std::to_string(i));
    finding.set_text(Prose(9400));
    finding.add_addressees()->set_kind(registry::v1::Addressee::ALL_LOCAL_POLICING_BODIES);
  }
  const auto try_with = [&](size_t length_of_last) {
    inspection.mutable_findings(kRecommendations - 1)->set_text(Prose(length_of_last));
    return suite_.Call("registrar", &InspectionRegistry::Stub::CreateInspection, create).status();
  };
  constexpr size_t kTooMuch = 16'000;
  const absl::Status refused = try_with(kTooMuch);
  EXPECT_THAT(refused, ViolationOn("inspection"));
  const size_t fits = kTooMuch - (BytesIn(refused) - base::kLargestReport);
  EXPECT_THAT(try_with(fits + 1), ViolationOn("inspection"));
  registry::v1::GetInspectionRequest get;
  get.set_name(fmt::format("inspections/{}", kReport));
  EXPECT_THAT(suite_.Call("registrar", &InspectionRegistry::Stub::GetInspection, get),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_THAT(try_with(fits), IsOk());
  registry::v1::PublishInspectionRequest publish;
  publish.set_name(get.name());
  ASSERT_EQ(job_.Do("registrar", &InspectionRegistry::Stub::PublishInspection, publish).state(), Inspection::PUBLISHED);
  EXPECT_THAT(job_.Do("auditor", &InspectionRegistry::Stub::GetInspection, get).findings(), SizeIs(kRecommendations));
}

void LimitsTest::WriteLargestForcePart() {
  job_.Invite(norfolk_, name_, Date(2021, 1, 14));
  constexpr size_t kEach = 49'000;
  for (size_t written = 0; written + kEach < base::kLargestForcePart; written += kEach) {
    ASSERT_THAT(Contribute(fmt::format("part-{}", written / kEach), ProseWithTable(kEach - 200)), IsOk());
  }
  constexpr size_t kTooMuch = 49'999;
  const absl::Status refused = Contribute("last", Prose(kTooMuch));
  ASSERT_THAT(refused, ViolationOn("contributions"));
  const size_t fits = kTooMuch - (BytesIn(refused) - base::kLargestForcePart);
  ASSERT_THAT(Contribute("last", Prose(fits)), IsOk());
  const std::string etag = Read().etag();
  EXPECT_THAT(Contribute("last", Prose(fits + 1)), ViolationOn("contributions"));
  EXPECT_THAT(Contribute("one-more", "x"), ViolationOn("contributions"));
  EXPECT_EQ(Read().etag(), etag) << "what is refused changes nothing";
}

void LimitsTest::WriteLargestBodyPart() {
  authoring::v1::UpdateResponseRequest request;
  Response& update = *request.mutable_response();
  update.set_name(name_);
  for (int i = 1; i <= kRecommendations; ++i) {
    Answer& answer = *update.add_answers();
    answer.set_finding(fmt::format("recommendation-{}", i));
    answer.set_kind(i % 2 == 0 ? Answer::ACTION_TAKEN : Answer::NO_ACTION);
    answer.set_explanation(ProseWithTable(13'000));
    answer.set_owner("Director of Commissioning");
  }
  update.set_key_findings(ProseWithTable(40'000));
  update.set_reply_to_chief_officer(ProseWithTable(20'000));
  update.set_monitoring(ProseWithTable(20'000));
  update.mutable_signatory()->set_name("Eleanor Whitby");
  update.mutable_signatory()->set_title("Police and Crime Commissioner");
  for (const char* path : {"key_findings", "answers", "reply_to_chief_officer", "monitoring", "signatory"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  ASSERT_THAT(suite_.Call("norfolk-author", &ResponseAuthoring::Stub::UpdateResponse, request), IsOk());
  constexpr size_t kTooMuch = 49'999;
  const absl::Status refused = SaveComments(Prose(kTooMuch));
  ASSERT_THAT(refused, ViolationOn("response.comments"));
  const size_t fits = kTooMuch - (BytesIn(refused) - base::kLargestBodyPart);
  ASSERT_THAT(SaveComments(Prose(fits)), IsOk());
  const Response before = Read();
  EXPECT_THAT(SaveComments(Prose(fits + 1)), ViolationOn("response.comments"));
  update.mutable_answers(0)->set_explanation(ProseWithTable(13'001));
  EXPECT_THAT(suite_.Call("norfolk-author", &ResponseAuthoring::Stub::UpdateResponse, request),
              ViolationOn("response.answers"));
  EXPECT_THAT(Read(), testing::EqualsProto(before)) << "what is refused changes nothing";
}

void LimitsTest::ExpectReadable() {
  const std::string publication = PublicationName(norfolk_, kReport);
  const auto record = suite_.AwaitEvent<publication::v1::ResponsePublished>(publication).publication();
  for (const auto format : {GetRenditionRequest::JSON, GetRenditionRequest::HTML}) {
    SCOPED_TRACE(GetRenditionRequest::Format_Name(format));
    GetRenditionRequest request;
    request.set_name(publication);
    request.set_format(format);
    const auto context = Suite::As("norfolk-author");
    const auto stream =
        Publication::NewStub(suite_.channel(Service::kPublication))->GetRendition(context.get(), request);
    std::string bytes;
    publication::v1::GetRenditionResponse chunk;
    while (stream->Read(&chunk)) {
      bytes += chunk.data();
    }
    EXPECT_THAT(stream->Finish(), IsOk());
    EXPECT_GT(bytes.size(), base::kLargestReport + base::kLargestBodyPart + base::kLargestForcePart);
    EXPECT_LE(bytes.size(), base::kLargestRendition);
    const bool json = format == GetRenditionRequest::JSON;
    httplib::Client client("127.0.0.1", suite_.web_port());
    const auto page = client.Get((record.page_path() + (json ? ".json" : "")).c_str());
    ASSERT_TRUE(page);
    EXPECT_EQ(page->status, 200);
    EXPECT_TRUE(json ? page->body == bytes : page->body.find(bytes) != std::string::npos)
        << "the web shows something else";
    if (json) {
      EXPECT_EQ(record.content_hash(), base::Sha256Hex(bytes));
    }
  }
}

TEST_P(LimitsTest, TheLargestReportCanBeAnsweredAtLengthAndPublished) {
  job_.Register(ReadAreas());
  ASSERT_NO_FATAL_FAILURE(PublishLargestReport());
  // Every message and every event on the way passes a client that was told nothing about sizes: these are such.
  ASSERT_THAT(job_.AwaitResponse(name_).findings_to_answer(), SizeIs(kRecommendations));
  job_.AwaitDeadline(DeadlineName(norfolk_, kReport));
  ASSERT_NO_FATAL_FAILURE(WriteLargestForcePart());
  ASSERT_NO_FATAL_FAILURE(WriteLargestBodyPart());

  const Response written = Read();
  EXPECT_THAT(written.report().findings(), SizeIs(kRecommendations));
  EXPECT_THAT(written.answers(), SizeIs(kRecommendations));
  EXPECT_LE(written.ByteSizeLong(), base::kLargestResponse);
  EXPECT_GT(written.ByteSizeLong(), base::kLargestResponse - base::kLargestResponseFrame - 1024);
  authoring::v1::ListResponsesRequest list;
  list.set_parent("bodies/norfolk-pcc");
  list.set_view(authoring::v1::RESPONSE_VIEW_FULL);
  const auto listed = job_.Do("norfolk-author", &ResponseAuthoring::Stub::ListResponses, list);
  ASSERT_THAT(listed.responses(), SizeIs(1));
  EXPECT_THAT(listed.responses(0), testing::EqualsProto(written));

  job_.Submit(norfolk_, name_);
  job_.Approve(norfolk_, name_);
  const auto approved = suite_.AwaitEvent<authoring::v1::ResponseApproved>(name_).response();
  EXPECT_THAT(approved.report().findings(), SizeIs(kRecommendations));
  EXPECT_THAT(approved.answers(), SizeIs(kRecommendations));
  ExpectReadable();
  EXPECT_THAT(job_.AwaitPublished(name_).answers(), SizeIs(kRecommendations));
  suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(norfolk_, kReport));
}

// Texts of `bytes` that would be far larger when they are rendered.
std::string OneLinkUsedThousandsOfTimes(size_t bytes) {
  std::string text = "[a]: https://example.org/" + std::string(bytes / 2, 'a') + "\n\n";
  while (text.size() + 4 <= bytes) {
    text += "[a] ";
  }
  return text;
}

std::string QuotesInQuotes(size_t bytes) { return std::string(bytes - 1, '>') + "x"; }

std::string TableOfEmptyCells(size_t bytes) {
  std::string head;
  std::string dashes;
  while (head.size() < bytes / 4) {
    head += "a|";
    dashes += "-|";
  }
  std::string text = head + "\n" + dashes + "\n";
  while (text.size() + 2 <= bytes) {
    text += "a\n";
  }
  return text;
}

TEST_P(LimitsTest, ATextThatWouldExpandIsRefusedWhereItIsSaved) {
  job_.Register(ReadAreas({"norfolk"}));
  job_.Publish(kReport, SafeToShare());
  job_.AwaitResponse(name_);
  job_.Invite(norfolk_, name_, Date(2021, 1, 14));
  const Response before = Read();
  registry::v1::CreateInspectionRequest create;
  create.set_inspection_id("hostile");
  *create.mutable_inspection() = SafeToShare();
  for (const auto& hostile : {OneLinkUsedThousandsOfTimes, QuotesInQuotes, TableOfEmptyCells}) {
    const std::string text = hostile(49'990);
    SCOPED_TRACE(text.substr(0, 20));
    EXPECT_THAT(SaveComments(text), ViolationOn("response.comments"));
    EXPECT_THAT(Contribute("hostile", text), ViolationOn("contributions[0].text"));
    authoring::v1::UpdateResponseRequest request;
    request.mutable_response()->set_name(name_);
    request.mutable_response()->add_answers()->set_finding("recommendation-1");
    request.mutable_response()->mutable_answers(0)->set_explanation(text);
    request.mutable_update_mask()->add_paths("answers");
    EXPECT_THAT(suite_.Call("norfolk-author", &ResponseAuthoring::Stub::UpdateResponse, request),
                ViolationOn("response.answers[0].explanation"));
    create.mutable_inspection()->mutable_findings(0)->set_text(hostile(19'990));
    EXPECT_THAT(suite_.Call("registrar", &InspectionRegistry::Stub::CreateInspection, create),
                ViolationOn("inspection.findings[0].text"));
  }
  EXPECT_THAT(Read(), testing::EqualsProto(before));
}

class KeptAnswersTest : public LimitsTest {
 protected:
  KeptAnswersTest() : LimitsTest({"--max_kept_mib_per_caller=1"}) {}
};

TEST_P(KeptAnswersTest, HaveALimitAndWhatIsRefusedChangesNothing) {
  job_.Register(ReadAreas({"norfolk"}));
  job_.Publish(kReport, SafeToShare());
  job_.AwaitResponse(name_);
  // Each answer holds the text that was saved, so a MiB is full within a few dozen.
  constexpr int kEnough = 40;
  const std::string text = Prose(49'000);
  absl::Status refused;
  Response before;
  for (int i = 0; i < kEnough && refused.ok(); ++i) {
    before = Read();
    refused = SaveComments(fmt::format("{} {}", i, text));
  }
  EXPECT_THAT(refused, AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("TOO_MUCH_KEPT")));
  EXPECT_THAT(Read(), testing::EqualsProto(before));
  // As it says: without a request_id there is nothing to keep.
  authoring::v1::UpdateResponseRequest request;
  request.mutable_response()->set_name(name_);
  request.mutable_response()->set_comments("Saved all the same.");
  request.mutable_update_mask()->add_paths("comments");
  Response saved;
  EXPECT_THAT(ResponseAuthoring::NewStub(suite_.channel(Service::kAuthoring))
                  ->UpdateResponse(Suite::As("norfolk-author").get(), request, &saved),
              IsOk());
  EXPECT_EQ(Read().comments(), "Saved all the same.");
}

INSTANTIATE_TEST_SUITE_P(Engines, KeptAnswersTest, ::testing::Values(db::Engine::kSqlite, db::Engine::kMysql),
                         [](const ::testing::TestParamInfo<db::Engine>& engine) { return testing::NameOf(engine); });
INSTANTIATE_TEST_SUITE_P(Engines, LimitsTest, ::testing::Values(db::Engine::kSqlite, db::Engine::kMysql),
                         [](const ::testing::TestParamInfo<db::Engine>& engine) { return testing::NameOf(engine); });

}  // namespace
}  // namespace section55::e2e
