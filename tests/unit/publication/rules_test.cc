#include "services/publication/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/testing/matchers.h"
#include "tests/unit/publication/sample_response.h"

namespace section55::publication {
namespace {

using ::section55::testing::EqualsProto;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::section55::testing::ViolationOn;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using v1::Copy;

v1::PublicationRecord PublishedAt(absl::Time now, const authoring::v1::Response& response = SampleResponse()) {
  auto record = rules::Publish(response, std::nullopt, now);
  EXPECT_THAT(record, IsOk());
  return record.ok() ? *record : v1::PublicationRecord();
}

TEST(Publish, SaysWhatAndWhen) {
  EXPECT_THAT(PublishedAt(MorningOf(absl::CivilDay(2021, 2, 9))), EqualsProto(R"pb(
                name: "bodies/norfolk-pcc/publications/safe-to-share"
                state: PUBLISHED
                published_time { seconds: 1612862130 }
                day_number: 55
                late_by_days: 0
                statutory: true
                edition: 1
                inspection: "inspections/safe-to-share"
                inspection_title: "Safe to share?"
                inspection_publication_date { year: 2020 month: 12 day: 17 }
                body_title: "Police and Crime Commissioner for Norfolk"
                page_path: "/responses/norfolk-pcc/safe-to-share"
                edition_published_time { seconds: 1612862130 }
              )pb"));
}

TEST(Publish, KeepsTheTimelinessOfTheFirstEditionForEver) {
  const v1::PublicationRecord first = PublishedAt(MorningOf(absl::CivilDay(2021, 2, 9)));
  authoring::v1::Response response = SampleResponse();
  response.set_edition(2);
  response.mutable_report()->set_title("Safe to share? (corrected)");
  const absl::Time later = MorningOf(absl::CivilDay(2021, 3, 15));
  const v1::PublicationRecord second = *rules::Publish(response, first, later);
  EXPECT_EQ(second.edition(), 2);
  EXPECT_EQ(second.inspection_title(), "Safe to share? (corrected)");
  EXPECT_THAT(second.published_time(), EqualsProto(first.published_time()));
  EXPECT_EQ(second.day_number(), 55);
  EXPECT_EQ(second.late_by_days(), 0);
  EXPECT_TRUE(second.statutory());
  EXPECT_THAT(second.edition_published_time(), EqualsProto(base::ToTimestamp(later)));
  response.set_edition(3);
  EXPECT_THAT(rules::Publish(response, second, later + absl::Hours(1))->published_time(),
              EqualsProto(first.published_time()));
}

TEST(Publish, DatesNothingAnewThatOthersRemember) {
  const absl::Time then = MorningOf(absl::CivilDay(2021, 2, 9));
  const absl::Time now = MorningOf(absl::CivilDay(2021, 6, 1));
  const v1::PublicationRecord first = PublishedAt(then);
  authoring::v1::Response response = SampleResponse();
  *response.mutable_approval()->mutable_time() = base::ToTimestamp(then - absl::Seconds(1));
  EXPECT_THAT(*rules::Publish(response, std::nullopt, now, {.edition = then}), EqualsProto(first));
  // Whoever counts no editions remembers the first one's.
  EXPECT_THAT(*rules::Publish(response, std::nullopt, now, {.first = then}), EqualsProto(first));
  // Another text than the one that was published then: its own instant is new, the body's day is not.
  *response.mutable_approval()->mutable_time() = base::ToTimestamp(now - absl::Hours(1));
  const v1::PublicationRecord rewritten = *rules::Publish(response, std::nullopt, now, {.first = then});
  EXPECT_THAT(rewritten.published_time(), EqualsProto(first.published_time()));
  EXPECT_EQ(rewritten.day_number(), 55);
  EXPECT_EQ(rewritten.late_by_days(), 0);
  EXPECT_THAT(rewritten.edition_published_time(), EqualsProto(base::ToTimestamp(now)));
  // A later edition whose record was lost while the first one's was not.
  response.set_edition(2);
  const absl::Time second = then + absl::Hours(240);
  const v1::PublicationRecord again = *rules::Publish(response, first, now, {.first = then, .edition = second});
  EXPECT_THAT(again.published_time(), EqualsProto(first.published_time()));
  EXPECT_THAT(again.edition_published_time(), EqualsProto(base::ToTimestamp(second)));
}

TEST(Describe, KnowsNoInstant) {
  const v1::PublicationRecord record = *rules::Describe(SampleResponse(), std::nullopt);
  EXPECT_FALSE(record.has_published_time());
  EXPECT_FALSE(record.has_edition_published_time());
  EXPECT_EQ(record.day_number(), 0);
}

TEST(Publish, CountsThePublicationDayAsDayOne) {
  EXPECT_EQ(PublishedAt(MorningOf(absl::CivilDay(2020, 12, 17))).day_number(), 1);
}

TEST(Publish, IsInTimeUntilTheLastSecondOfDay56) {
  const absl::Time midnight = calendar::StartOfLondonDay(absl::CivilDay(2021, 2, 11));
  const v1::PublicationRecord last = PublishedAt(midnight - absl::Microseconds(1));
  EXPECT_EQ(last.day_number(), 56);
  EXPECT_EQ(last.late_by_days(), 0);
  const v1::PublicationRecord late = PublishedAt(midnight);
  EXPECT_EQ(late.day_number(), 57);
  EXPECT_EQ(late.late_by_days(), 1);
  EXPECT_TRUE(late.statutory());
}

TEST(Publish, CountsByTheLondonDateInSummer) {
  authoring::v1::Response response = SampleResponse();
  *response.mutable_report()->mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2021, 5, 1));
  EXPECT_EQ(rules::LastLawfulDay(response.report()), absl::CivilDay(2021, 6, 25));
  // 23:30 UTC is half past midnight of the next day in London.
  const absl::Time evening = absl::FromCivil(absl::CivilSecond(2021, 6, 25, 23, 30, 0), absl::UTCTimeZone());
  EXPECT_EQ(PublishedAt(evening, response).late_by_days(), 1);
  EXPECT_EQ(PublishedAt(evening - absl::Hours(1), response).late_by_days(), 0);
}

TEST(Publish, IsNeverLateWhereTheLawSetsNoDay) {
  authoring::v1::Response response = SampleResponse();
  for (const auto basis : {registry::v1::Inspection::REQUESTED_BY_REPORT, registry::v1::Inspection::VOLUNTARY}) {
    response.mutable_report()->set_basis(basis);
    const v1::PublicationRecord record = PublishedAt(MorningOf(absl::CivilDay(2021, 12, 17)), response);
    EXPECT_FALSE(record.statutory());
    EXPECT_EQ(record.late_by_days(), 0);
    EXPECT_EQ(record.day_number(), 366);
  }
}

TEST(Publish, KnowsThatTheRuleCameIntoForceIn2017) {
  authoring::v1::Response response = SampleResponse();
  *response.mutable_report()->mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2017, 5, 1));
  EXPECT_FALSE(PublishedAt(MorningOf(absl::CivilDay(2018, 1, 1)), response).statutory());
  *response.mutable_report()->mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2017, 5, 2));
  EXPECT_TRUE(PublishedAt(MorningOf(absl::CivilDay(2018, 1, 1)), response).statutory());
}

TEST(Describe, SaysWhatIsWrongWithAResponse) {
  authoring::v1::Response response = SampleResponse();
  response.set_name("bodies/norfolk-pcc");
  response.mutable_report()->mutable_publication_date()->clear_day();
  response.clear_edition();
  for (const absl::Status& status : {rules::Describe(response, std::nullopt).status(),
                                     rules::Publish(response, std::nullopt, absl::Now()).status()}) {
    EXPECT_THAT(status, ViolationOn("response.name"));
    EXPECT_THAT(status, ViolationOn("response.report.publication_date"));
    EXPECT_THAT(status, ViolationOn("response.edition"));
  }
}

v1::Recipient MakeRecipient(const std::string& id, Copy::RecipientKind kind, const std::string& body,
                            absl::CivilDay from) {
  v1::Recipient recipient;
  recipient.set_name("recipients/" + id);
  recipient.set_kind(kind);
  recipient.set_body(body);
  recipient.set_display_name("Title of " + id);
  recipient.set_address(id + "@example.org");
  *recipient.mutable_valid_from() = base::ToProtoDate(from);
  return recipient;
}

std::vector<std::string> Titles(const std::vector<Copy>& copies) {
  std::vector<std::string> titles;
  for (const Copy& copy : copies) {
    titles.push_back(copy.recipient_title());
  }
  return titles;
}

TEST(CopiesOwed, AreOwedThoughNobodyIsConfigured) {
  const auto copies = rules::CopiesOwed(SampleResponse(), PublishedAt(MorningOf(absl::CivilDay(2021, 2, 9))), {});
  EXPECT_THAT(Titles(copies),
              ElementsAre("His Majesty's Inspectors of Constabulary", "Secretary of State for the Home Department",
                          "Chief Constable of Norfolk Constabulary", "Norfolk Police and Crime Panel"));
  EXPECT_THAT(copies[0], EqualsProto(R"pb(
                name: "bodies/norfolk-pcc/publications/safe-to-share/editions/1/copies/inspectorate"
                recipient_kind: INSPECTORATE
                recipient_title: "His Majesty's Inspectors of Constabulary"
                provision: "section 55(6)(a)"
                state: QUEUED
                queued_time { seconds: 1612862130 }
              )pb"));
  EXPECT_EQ(copies[1].provision(), "section 55(6)(b)");
  EXPECT_EQ(copies[2].provision(), "");
  for (const Copy& copy : copies) {
    EXPECT_EQ(copy.address(), "");
    EXPECT_EQ(copy.evidence(), "");
  }
}

TEST(CopiesOwed, NameNoProvisionWhereTheStatuteDoesNotApply) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_report()->set_basis(registry::v1::Inspection::VOLUNTARY);
  for (const Copy& copy :
       rules::CopiesOwed(response, PublishedAt(MorningOf(absl::CivilDay(2021, 2, 9)), response), {})) {
    EXPECT_EQ(copy.provision(), "");
  }
}

TEST(CopiesOwed, LeaveOutAScrutinyBodyThatDoesNotExist) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_body()->clear_scrutiny_body();
  EXPECT_THAT(rules::CopiesOwed(response, PublishedAt(MorningOf(absl::CivilDay(2021, 2, 9))), {}), SizeIs(3));
}

TEST(CopiesOwed, GoToTheBodysOwnRecipientFirstThenToTheLatest) {
  const std::vector<v1::Recipient> recipients = {
      MakeRecipient("hmicfrs-new", Copy::INSPECTORATE, "", absl::CivilDay(2021, 1, 1)),
      MakeRecipient("hmicfrs-old", Copy::INSPECTORATE, "", absl::CivilDay(2017, 1, 1)),
      MakeRecipient("a-home-office", Copy::SECRETARY_OF_STATE, "", absl::CivilDay(2021, 1, 1)),
      MakeRecipient("own-home-office", Copy::SECRETARY_OF_STATE, "bodies/norfolk-pcc", absl::CivilDay(2017, 1, 1)),
      MakeRecipient("victims", Copy::OTHER, "", absl::CivilDay(2017, 1, 1)),
      MakeRecipient("library", Copy::OTHER, "bodies/norfolk-pcc", absl::CivilDay(2017, 1, 1)),
  };
  const auto copies =
      rules::CopiesOwed(SampleResponse(), PublishedAt(MorningOf(absl::CivilDay(2021, 2, 9))), recipients);
  EXPECT_THAT(Titles(copies),
              ElementsAre("Title of hmicfrs-new", "Title of own-home-office", "Chief Constable of Norfolk Constabulary",
                          "Norfolk Police and Crime Panel", "Title of victims", "Title of library"));
  EXPECT_EQ(copies[0].address(), "hmicfrs-new@example.org");
  EXPECT_EQ(copies[4].name(), "bodies/norfolk-pcc/publications/safe-to-share/editions/1/copies/victims");
  EXPECT_EQ(copies[4].recipient_kind(), Copy::OTHER);
}

v1::CreateRecipientRequest GoodRecipient() {
  v1::CreateRecipientRequest request;
  request.set_recipient_id("hmicfrs");
  *request.mutable_recipient() =
      MakeRecipient("", Copy::INSPECTORATE, "bodies/norfolk-pcc", absl::CivilDay(2021, 1, 1));
  request.mutable_recipient()->set_address("section55@hmicfrs.example");
  return request;
}

absl::Status Check(const v1::CreateRecipientRequest& request) {
  base::Violations violations;
  rules::CheckRecipient(request, violations);
  return violations.ToStatus();
}

TEST(CheckRecipient, AcceptsAGoodOne) {
  v1::CreateRecipientRequest request = GoodRecipient();
  EXPECT_THAT(Check(request), IsOk());
  request.mutable_recipient()->clear_body();
  *request.mutable_recipient()->mutable_valid_to() = request.recipient().valid_from();
  EXPECT_THAT(Check(request), IsOk());
}

TEST(CheckRecipient, NamesEverythingThatIsWrong) {
  v1::CreateRecipientRequest request;
  request.set_recipient_id("HMICFRS ");
  request.mutable_recipient()->set_body("norfolk-pcc");
  request.mutable_recipient()->mutable_valid_to()->set_year(2021);
  const absl::Status status = Check(request);
  for (const char* field : {"recipient_id", "recipient.kind", "recipient.body", "recipient.display_name",
                            "recipient.address", "recipient.valid_from", "recipient.valid_to"}) {
    EXPECT_THAT(status, ViolationOn(field)) << field;
  }
}

TEST(CheckRecipient, RefusesAnEndBeforeTheBeginning) {
  v1::CreateRecipientRequest request = GoodRecipient();
  *request.mutable_recipient()->mutable_valid_to() = base::ToProtoDate(absl::CivilDay(2020, 12, 31));
  EXPECT_THAT(Check(request), ViolationOn("recipient.valid_to"));
}

TEST(CheckRecipient, RefusesWhatIsNoMailAddress) {
  v1::CreateRecipientRequest request = GoodRecipient();
  for (const std::string address :
       {"nobody", "@example.org", "a@", "a b@example.org", "a@b@c", "a@example.org\r\nBcc: x", "A <a@example.org>"}) {
    request.mutable_recipient()->set_address(address);
    EXPECT_THAT(Check(request), ViolationOn("recipient.address")) << address;
  }
  request.mutable_recipient()->set_address("a@" + std::string(253, 'b'));
  EXPECT_THAT(Check(request), ViolationOn("recipient.address"));
  request.mutable_recipient()->set_address("a@" + std::string(252, 'b'));
  EXPECT_THAT(Check(request), IsOk());
}

TEST(CheckRecipient, KeepsTheNamesOfTheFourKinds) {
  v1::CreateRecipientRequest request = GoodRecipient();
  request.set_recipient_id("chief-officer");
  EXPECT_THAT(Check(request), IsOk());
  request.mutable_recipient()->set_kind(Copy::OTHER);
  EXPECT_THAT(Check(request), ViolationOn("recipient_id"));
}

TEST(CheckRecipient, CountsCharactersAndNotBytes) {
  v1::CreateRecipientRequest request = GoodRecipient();
  std::string title;
  for (int i = 0; i < 200; ++i) {
    title += "ŵ";
  }
  request.mutable_recipient()->set_display_name(title);
  EXPECT_THAT(Check(request), IsOk());
  request.mutable_recipient()->set_display_name(title + "ŷ");
  EXPECT_THAT(Check(request), ViolationOn("recipient.display_name"));
}

}  // namespace
}  // namespace section55::publication
