// The main job over the four real processes, on SQLite and on MariaDB.

#include "tests/e2e/main_job.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"

namespace section55::e2e {
namespace {

using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;
using deadlines::v1::Deadline;
using deadlines::v1::DeadlineScheduler;
using publication::v1::Copy;
using publication::v1::GetRenditionRequest;
using publication::v1::Publication;
using publication::v1::PublicationRecord;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::MessageIs;
using ::testing::Not;
using testing::Service;
using testing::StatusIs;
using testing::Suite;

constexpr char kReport[] = "safe-to-share";

class MainJobTest : public ::testing::TestWithParam<db::Engine> {
 protected:
  MainJobTest() : suite_({.engine = GetParam()}), job_(suite_) {}

  Area AreaOf(const std::string& force) { return ReadAreas({force}).front(); }

  PublicationRecord GetPublication(const std::string& name) {
    publication::v1::GetPublicationRequest request;
    request.set_name(name);
    return job_.Do("norfolk-author", &Publication::Stub::GetPublication, request);
  }

  Deadline GetDeadline(const std::string& name) {
    deadlines::v1::GetDeadlineRequest request;
    request.set_name(name);
    return job_.Do("auditor", &DeadlineScheduler::Stub::GetDeadline, request);
  }

  std::string Rendition(const std::string& name, GetRenditionRequest::Format format) {
    GetRenditionRequest request;
    request.set_name(name);
    request.set_format(format);
    Publication::Stub stub(suite_.channel(Service::kPublication));
    const auto context = Suite::As("norfolk-author");
    const auto stream = stub.GetRendition(context.get(), request);
    publication::v1::GetRenditionResponse chunk;
    std::string bytes;
    while (stream->Read(&chunk)) {
      bytes += chunk.data();
    }
    EXPECT_THAT(stream->Finish(), IsOk());
    return bytes;
  }

  // What a reader without any token gets.
  std::string Page(const std::string& path) {
    httplib::Client client("127.0.0.1", suite_.web_port());
    const auto result = client.Get(path.c_str());
    if (!result || result->status != 200) {
      ADD_FAILURE() << path << " gives " << (result ? std::to_string(result->status) : "nothing");
      return "";
    }
    return result->body;
  }

  int StatusOf(const std::string& path) {
    httplib::Client client("127.0.0.1", suite_.web_port());
    const auto result = client.Get(path.c_str());
    return result ? result->status : 0;
  }

  absl::StatusOr<Response> Save(const std::string& person, const Response& read, const std::string& comments) {
    authoring::v1::UpdateResponseRequest request;
    request.mutable_response()->set_name(read.name());
    request.mutable_response()->set_comments(comments);
    request.mutable_update_mask()->add_paths("comments");
    request.set_etag(read.etag());
    return suite_.Call(person, &ResponseAuthoring::Stub::UpdateResponse, request);
  }

  absl::Status TrySubmit(const std::string& person, const std::string& name) {
    authoring::v1::SubmitResponseRequest request;
    request.set_name(name);
    request.set_etag(job_.Get("auditor", name).etag());
    return suite_.Call(person, &ResponseAuthoring::Stub::SubmitResponse, request).status();
  }

  absl::Status TryApprove(const std::string& person, const std::string& name) {
    authoring::v1::ApproveResponseRequest request;
    request.set_name(name);
    request.set_etag(job_.Get("auditor", name).etag());
    return suite_.Call(person, &ResponseAuthoring::Stub::ApproveResponse, request).status();
  }

  authoring::v1::CheckResponseResponse Check(const std::string& name) {
    authoring::v1::CheckResponseRequest request;
    request.set_name(name);
    return job_.Do("norfolk-author", &ResponseAuthoring::Stub::CheckResponse, request);
  }

  void ExpectOneResponseForEveryBody();
  void ExpectDeadlineExplained();
  void ExpectConflictBetweenTwoSavers(const std::string& name);
  void ExpectPublishedOnDay55(const Area& norfolk, std::string_view mark);

  Suite suite_;
  MainJob job_;
};

// The texts stand in the page in this order.
void ExpectInOrder(const std::string& page, const std::vector<std::string>& texts) {
  size_t at = 0;
  for (const std::string& text : texts) {
    const size_t found = page.find(text, at);
    ASSERT_NE(found, std::string::npos) << "\"" << text << "\" is missing, or stands too early, in:\n" << page;
    at = found + text.size();
  }
}

std::vector<std::string> NumbersToAnswer(const Response& response) {
  std::vector<std::string> numbers;
  for (const std::string& name : response.findings_to_answer()) {
    numbers.push_back(name.substr(name.rfind('-') + 1));
  }
  return numbers;
}

void MainJobTest::ExpectOneResponseForEveryBody() {
  std::set<std::string> expected;
  for (const Area& area : ReadAreas()) {
    if (area.territorial) {
      expected.insert(ResponseName(area, kReport));
      const Response opened = job_.AwaitResponse(ResponseName(area, kReport));
      EXPECT_THAT(NumbersToAnswer(opened), ElementsAre("1", "4", "5", "6")) << opened.name();
      const Deadline deadline = job_.AwaitDeadline(DeadlineName(area, kReport));
      EXPECT_THAT(deadline.due_date(), testing::EqualsProto("year: 2021 month: 2 day: 10"));
    }
  }
  EXPECT_EQ(expected.size(), 43);
  std::set<std::string> found;
  authoring::v1::ListResponsesRequest request;
  request.set_parent("bodies/-");
  request.set_page_size(20);
  do {
    const auto page = job_.Do("auditor", &ResponseAuthoring::Stub::ListResponses, request);
    for (const Response& response : page.responses()) {
      EXPECT_TRUE(found.insert(response.name()).second) << response.name() << " is listed twice";
      EXPECT_EQ(response.state(), Response::OPEN);
      EXPECT_EQ(response.report().findings_size(), 6);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(found, expected);
}

void MainJobTest::ExpectDeadlineExplained() {
  deadlines::v1::ExplainDeadlineRequest request;
  *request.mutable_publication_date() = Date(2020, 12, 17);
  request.set_rule("section-55-5a");
  const auto working = job_.Do("suffolk-author", &DeadlineScheduler::Stub::ExplainDeadline, request);
  EXPECT_THAT(working.due_date(), testing::EqualsProto("year: 2021 month: 2 day: 10"));
  EXPECT_EQ(working.provision(), "Police Act 1996, section 55(5A)");
  EXPECT_EQ(working.rule_version(), "2017-05-02");
  EXPECT_EQ(working.day_number_today(), 1);
  EXPECT_EQ(working.days_left(), 55);
  EXPECT_THAT(working.steps(), Contains(HasSubstr("published on Thursday 17 December 2020")));
  EXPECT_THAT(working.steps(), Contains(AllOf(HasSubstr("56 days"), HasSubstr("day 1"))));
  EXPECT_THAT(working.steps(), Contains(HasSubstr("17 December 2020 is day 1, 31 December 2020 is day 15, 31 January "
                                                  "2021 is day 46 and 10 February 2021 is day 56")));
  EXPECT_THAT(working.steps(), Contains(HasSubstr("day 1 of 56, 55 days left")));

  request.clear_publication_date();
  request.set_inspection(fmt::format("inspections/{}", kReport));
  request.set_body("bodies/norfolk-pcc");
  const auto of_body = job_.Do("norfolk-author", &DeadlineScheduler::Stub::ExplainDeadline, request);
  EXPECT_THAT(of_body.due_date(), testing::EqualsProto("year: 2021 month: 2 day: 10"));
  EXPECT_THAT(of_body.steps(), Contains(HasSubstr("has not been published yet")));
}

void MainJobTest::ExpectConflictBetweenTwoSavers(const std::string& name) {
  testing::Pki::Get().AddPerson("norfolk-second-author", {"author@bodies/norfolk-pcc"});
  const Response read = job_.Get("norfolk-author", name);
  EXPECT_THAT(Save("norfolk-author", read, "The first saver's text."), IsOk());
  EXPECT_THAT(Save("norfolk-second-author", read, "The second saver's text."),
              AllOf(StatusIs(absl::StatusCode::kAborted), HasReason("ETAG_MISMATCH")));
  const Response after = job_.Get("norfolk-author", name);
  EXPECT_EQ(after.comments(), "The first saver's text.");
  // At the same moment: one of the two, whichever.
  const std::vector<std::string> people = {"norfolk-author", "norfolk-second-author"};
  std::vector<absl::Status> saved(people.size());
  std::vector<std::thread> savers;
  for (size_t i = 0; i < people.size(); ++i) {
    savers.emplace_back([&, i] { saved[i] = Save(people[i], after, "Saved by " + people[i]).status(); });
  }
  for (std::thread& saver : savers) {
    saver.join();
  }
  const size_t winner = saved[0].ok() ? 0 : 1;
  EXPECT_THAT(saved[winner], IsOk());
  EXPECT_THAT(saved[1 - winner], AllOf(StatusIs(absl::StatusCode::kAborted), HasReason("ETAG_MISMATCH")));
  EXPECT_EQ(job_.Get("norfolk-author", name).comments(), "Saved by " + people[winner]);
  // Who has read what the other wrote can save.
  EXPECT_THAT(Save("norfolk-second-author", job_.Get("norfolk-second-author", name), "Both agree."), IsOk());
}

void MainJobTest::ExpectPublishedOnDay55(const Area& norfolk, std::string_view mark) {
  const std::string name = PublicationName(norfolk, kReport);
  const auto published = suite_.AwaitEvent<publication::v1::ResponsePublished>(name);
  const PublicationRecord record = GetPublication(name);
  EXPECT_THAT(published.publication(), testing::EqualsProto(record));
  EXPECT_EQ(record.state(), PublicationRecord::PUBLISHED);
  EXPECT_EQ(record.day_number(), 55);
  EXPECT_EQ(record.late_by_days(), 0);
  EXPECT_TRUE(record.statutory());
  EXPECT_EQ(record.edition(), 1);
  EXPECT_EQ(base::FromTimestamp(record.published_time()), London(2021, 2, 9, 10, 15));

  const std::string json = Rendition(name, GetRenditionRequest::JSON);
  EXPECT_EQ(record.content_hash(), base::Sha256Hex(json));
  EXPECT_EQ(Page(record.page_path() + ".json"), json);
  const auto content = nlohmann::json::parse(json, nullptr, false);
  std::vector<std::string> answered;
  for (const auto& answer : content["answers"]) {
    answered.push_back(answer["finding"]);
  }
  const auto finding = [](int number) {
    return fmt::format("inspections/{}/findings/recommendation-{}", kReport, number);
  };
  EXPECT_THAT(answered, ElementsAre(finding(1), finding(4), finding(5), finding(6)));

  const std::string page = Page(record.page_path());
  EXPECT_THAT(page, HasSubstr(Rendition(name, GetRenditionRequest::HTML)));
  EXPECT_EQ(Page(record.page_path() + ".pdf"), Rendition(name, GetRenditionRequest::PDF));
  EXPECT_EQ(Page(record.page_path() + ".docx"), Rendition(name, GetRenditionRequest::DOCX));
  EXPECT_EQ(Page(record.page_path() + ".txt"), Rendition(name, GetRenditionRequest::TEXT));
  ExpectInOrder(page, {"Police and Crime Commissioner for Norfolk",
                       "In time",
                       "Day 55 of 56",
                       "9 February 2021 at 10:15:00 GMT",
                       "10 February 2021",
                       "17 December 2020",
                       fmt::format("Key findings {}", mark),
                       "Recommendation 1",
                       fmt::format("Answer {} to recommendation-1.", mark),
                       "Recommendation 4",
                       fmt::format("Answer {} to recommendation-4.", mark),
                       "Recommendation 5",
                       fmt::format("Answer {} to recommendation-5.", mark),
                       "Recommendation 6",
                       fmt::format("Answer {} to recommendation-6.", mark),
                       "Rowan Aldous, Chief Constable",
                       fmt::format("Comments {}", mark),
                       fmt::format("Reply {}", mark),
                       fmt::format("Monitoring {}", mark),
                       "Eleanor Whitby",
                       "Other findings",
                       "Recommendation 2",
                       "Recommendation 3",
                       record.content_hash()});
  EXPECT_THAT(page, Not(HasSubstr("to recommendation-2")));
  ExpectInOrder(Page("/"), {record.page_path(), "Police and Crime Commissioner for Norfolk", "9 February 2021",
                            "Day 55 of 56", record.content_hash()});

  publication::v1::ListPublicationsRequest list;
  list.set_parent("bodies/-");
  const auto publications = job_.Do("suffolk-author", &Publication::Stub::ListPublications, list);
  ASSERT_EQ(publications.publications_size(), 1);
  EXPECT_THAT(publications.publications(0), testing::EqualsProto(record));
}

TEST_P(MainJobTest, FortyThreeBodiesAnswerSafeToShare) {
  job_.Register(ReadAreas());
  job_.RegisterRecipients();
  job_.Publish(kReport, SafeToShare());
  ExpectOneResponseForEveryBody();
  ExpectDeadlineExplained();

  const Area norfolk = AreaOf("norfolk");
  const std::string name = ResponseName(norfolk, kReport);
  suite_.SetTime(London(2020, 12, 21, 10, 0));
  const auto first_check = Check(name);
  EXPECT_FALSE(first_check.can_submit());
  EXPECT_EQ(first_check.gaps(0).provision(), "section 55(4)");
  EXPECT_TRUE(first_check.gaps(0).statutory());
  job_.Invite(norfolk, name, Date(2021, 1, 14));
  suite_.SetTime(London(2021, 1, 12, 15, 20));
  job_.Comment(norfolk, name);
  EXPECT_EQ(job_.Get("norfolk-chief-officer", name).chief_officer().contributions_size(), 2);
  ExpectConflictBetweenTwoSavers(name);

  // Incomplete: told what is missing and why, and nothing happens.
  EXPECT_THAT(TrySubmit("norfolk-author", name),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("INCOMPLETE"),
                    MessageIs(AllOf(HasSubstr("recommendation 1"), HasSubstr("recommendation 6"),
                                    HasSubstr("section 55(5B)"), Not(HasSubstr("recommendation 2"))))));
  EXPECT_EQ(job_.Get("norfolk-author", name).state(), Response::OPEN);
  std::vector<std::string> missing;
  const auto second_check = Check(name);
  for (const auto& gap : second_check.gaps()) {
    if (gap.blocks_submission()) {
      missing.push_back(fmt::format("{} {}", gap.provision(), gap.finding().substr(gap.finding().rfind('/') + 1)));
    }
  }
  EXPECT_THAT(missing, ElementsAre("section 55(5B) recommendation-1", "section 55(5B) recommendation-4",
                                   "section 55(5B) recommendation-5", "section 55(5B) recommendation-6"));

  suite_.SetTime(London(2021, 1, 25, 14, 0));
  job_.Write(norfolk, job_.Get("norfolk-author", name), "draft");
  EXPECT_THAT(Check(name).gaps(), IsEmpty());
  // Whoever submitted it cannot approve it, whatever their roles.
  EXPECT_THAT(TrySubmit("norfolk-approver", name), IsOk());
  EXPECT_THAT(TryApprove("norfolk-approver", name),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("SECOND_PERSON_NEEDED")));
  EXPECT_THAT(TryApprove("norfolk-author", name), StatusIs(absl::StatusCode::kPermissionDenied));
  job_.Return(norfolk, name, "Please thank the Chief Constable.");
  suite_.SetTime(London(2021, 2, 5, 9, 15));
  job_.Write(norfolk, job_.Get("norfolk-author", name), "final");
  job_.Submit(norfolk, name);
  EXPECT_THAT(Save("norfolk-author", job_.Get("norfolk-author", name), "too late"),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("WRONG_STATE")));
  EXPECT_EQ(StatusOf("/responses/norfolk-pcc/safe-to-share"), 404) << "nothing is public before it is approved";
  suite_.SetTime(London(2021, 2, 9, 10, 15));
  job_.Approve(norfolk, name);

  ExpectPublishedOnDay55(norfolk, "final");
  const auto met = suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(norfolk, kReport)).deadline();
  const Deadline deadline = GetDeadline(DeadlineName(norfolk, kReport));
  EXPECT_EQ(deadline.state(), Deadline::MET);
  EXPECT_EQ(deadline.met_day_number(), 55);
  EXPECT_EQ(deadline.late_by_days(), 0);
  EXPECT_EQ(met.met_day_number(), 55);
  EXPECT_EQ(GetDeadline("bodies/suffolk-pcc/deadlines/safe-to-share").state(), Deadline::PENDING);
  const Response published = job_.AwaitPublished(name);
  EXPECT_EQ(base::FromTimestamp(published.publish_time()), London(2021, 2, 9, 10, 15));
  EXPECT_EQ(job_.Get("norfolk-chief-officer", name).comments(), published.comments())
      << "what is public the force sees too";

  publication::v1::ListCopiesRequest copies;
  copies.set_parent(PublicationName(norfolk, kReport));
  std::vector<std::string> owed;
  const auto listed = job_.Do("norfolk-author", &Publication::Stub::ListCopies, copies);
  for (const Copy& copy : listed.copies()) {
    EXPECT_EQ(copy.state(), Copy::QUEUED);
    EXPECT_THAT(copy.evidence(), IsEmpty());
    owed.push_back(
        fmt::format("{} {} {}", Copy::RecipientKind_Name(copy.recipient_kind()), copy.address(), copy.provision()));
  }
  EXPECT_THAT(owed, ElementsAre("INSPECTORATE hmicfrs@example.org section 55(6)(a)",
                                "SECRETARY_OF_STATE home-office@example.org section 55(6)(b)",
                                "CHIEF_OFFICER norfolk-chief-constable@example.org ",
                                "SCRUTINY_BODY norfolk-panel@example.org "));
}

TEST_P(MainJobTest, LateIsRecordedAndNeverRefused) {
  job_.Register(ReadAreas({"norfolk", "suffolk"}));
  job_.Publish(kReport, SafeToShare());
  const Area suffolk = AreaOf("suffolk");
  const std::string name = ResponseName(suffolk, kReport);
  job_.AwaitResponse(name);
  job_.AwaitDeadline(DeadlineName(suffolk, kReport));

  // The last moment of the last day, then the first of the next.
  suite_.SetTime(London(2021, 2, 11, 0, 0) - absl::Seconds(1));
  EXPECT_EQ(GetDeadline(DeadlineName(suffolk, kReport)).state(), Deadline::PENDING);
  suite_.SetTime(London(2021, 2, 11, 0, 0));
  EXPECT_EQ(suite_.AwaitEvent<deadlines::v1::DeadlineMissed>(DeadlineName(suffolk, kReport)).deadline().state(),
            Deadline::MISSED);
  suite_.AwaitEvent<deadlines::v1::DeadlineMissed>("bodies/norfolk-pcc/deadlines/safe-to-share");
  EXPECT_EQ(GetDeadline(DeadlineName(suffolk, kReport)).state(), Deadline::MISSED);

  suite_.SetTime(London(2021, 2, 24, 16, 0));
  job_.Invite(suffolk, name, Date(2021, 2, 24));
  job_.Comment(suffolk, name);
  job_.Write(suffolk, job_.Get("suffolk-author", name), "late");
  job_.Submit(suffolk, name);
  job_.Approve(suffolk, name);
  const auto record =
      suite_.AwaitEvent<publication::v1::ResponsePublished>(PublicationName(suffolk, kReport)).publication();
  EXPECT_EQ(record.day_number(), 70);
  EXPECT_EQ(record.late_by_days(), 14);
  const Deadline met = suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(suffolk, kReport)).deadline();
  EXPECT_EQ(met.state(), Deadline::MET);
  EXPECT_EQ(met.met_day_number(), 70);
  EXPECT_EQ(met.late_by_days(), 14);
  EXPECT_EQ(GetDeadline("bodies/norfolk-pcc/deadlines/safe-to-share").state(), Deadline::MISSED);
  EXPECT_THAT(Page(record.page_path()), AllOf(HasSubstr("Late by 14 days"), HasSubstr("10 February 2021")));
  EXPECT_THAT(Page("/"), HasSubstr("Late by 14 days"));
  job_.AwaitPublished(name);
}

TEST_P(MainJobTest, ReportOnListedForcesIsAnsweredByTheirBodiesAlone) {
  const std::vector<Area> areas = ReadAreas({"norfolk", "suffolk", "kent"});
  job_.Register(areas);
  const Area kent = AreaOf("kent");
  const Area norfolk = AreaOf("norfolk");
  MakePeople(kent);
  job_.Publish("custody", CustodyReport({"kent", "norfolk"}));
  EXPECT_THAT(NumbersToAnswer(job_.AwaitResponse(ResponseName(kent, "custody"))), ElementsAre("1a", "1b"));
  EXPECT_THAT(NumbersToAnswer(job_.AwaitResponse(ResponseName(norfolk, "custody"))), ElementsAre("1b"));
  EXPECT_THAT(job_.AwaitDeadline(DeadlineName(kent, "custody")).due_date(),
              testing::EqualsProto("year: 2021 month: 2 day: 9"));
  authoring::v1::ListResponsesRequest list;
  list.set_parent("bodies/-");
  EXPECT_EQ(job_.Do("auditor", &ResponseAuthoring::Stub::ListResponses, list).responses_size(), 2)
      << "Suffolk owes none";

  job_.AnswerInFull(kent, ResponseName(kent, "custody"), "Kent");
  const auto record =
      suite_.AwaitEvent<publication::v1::ResponsePublished>(PublicationName(kent, "custody")).publication();
  EXPECT_EQ(record.day_number(), 2);
  const std::string page = Page(record.page_path());
  // The cause of concern says what its recommendations stand under; nested bullets and links survive; text is no mark-up.
  ExpectInOrder(
      page, {"ŵ ŷ and “curly quotes” &amp; &lt;angle brackets&gt;", "Findings and answers", "Cause of concern 1",
             "Recommendation 1a", "Under: Cause of concern 1", "<ul>", "review", "<ul>", "every cell, and", "<ul>",
             "href=\"https://www.gov.uk/\"", "</ul>", "record what was found", "Answer Kent to", "Recommendation 1b",
             "Answer Kent to", "Other findings", "Area for improvement 1"});
  suite_.AwaitEvent<deadlines::v1::DeadlineMet>(DeadlineName(kent, "custody"));
  EXPECT_EQ(job_.AwaitPublished(ResponseName(kent, "custody")).edition(), 1);
  EXPECT_EQ(job_.Get("norfolk-author", ResponseName(norfolk, "custody")).state(), Response::OPEN);
}

INSTANTIATE_TEST_SUITE_P(Engines, MainJobTest, ::testing::Values(db::Engine::kSqlite, db::Engine::kMysql),
                         [](const ::testing::TestParamInfo<db::Engine>& engine) { return testing::NameOf(engine); });

}  // namespace
}  // namespace section55::e2e
