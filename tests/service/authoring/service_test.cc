// response-authoring in process: real server, real SQLite, events made by hand.
#include "services/response-authoring/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "authoring_schema.h"
#include "db_schema.h"
#include "events_schema.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/followers.h"

namespace section55::authoring {
namespace {

using ::section55::testing::HasReason;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::section55::testing::ViolationOn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kNorfolk[] = "bodies/norfolk-pcc/responses/safe-to-share";
constexpr char kSuffolk[] = "bodies/suffolk-pcc/responses/safe-to-share";
const absl::Time kMidJanuary = absl::FromCivil(absl::CivilHour(2021, 1, 11, 10), absl::UTCTimeZone());

struct Person {
  std::string subject;
  std::vector<std::string> roles;
};
const Person kAuthor = {"ann", {"author@bodies/norfolk-pcc"}};
const Person kApprover = {"pat", {"approver@bodies/norfolk-pcc"}};
const Person kChief = {"chris", {"chief-officer@forces/norfolk"}};
const Person kSuffolkAuthor = {"sue", {"author@bodies/suffolk-pcc"}};
const Person kSuffolkChief = {"cleo", {"chief-officer@forces/suffolk"}};
const Person kAuditor = {"audrey", {"auditor"}};
const Person kOperator = {"olly", {"operator"}};

class AuthoringTest : public ::testing::Test {
 protected:
  AuthoringTest()
      : database_(db::Engine::kSqlite, {db::MigrationSchema(), events::MigrationSchema(), MigrationSchema()}),
        log_(*database_),
        directory_(*database_),
        server_(kMidJanuary) {
    server_.Add<ResponseAuthoringService>(kServiceName, *database_, log_);
    server_.server().SetTenantDirectory(&directory_);
    server_.Start();
    stub_ = v1::ResponseAuthoring::NewStub(server_.channel());
    for (const char* area : {"norfolk", "suffolk"}) {
      registry::v1::BodyRegistered registered;
      registered.mutable_body()->set_name(std::string("bodies/") + area + "-pcc");
      registered.mutable_body()->set_force(std::string("forces/") + area);
      EXPECT_THAT(Arrives(registered), IsOk());
    }
    EXPECT_THAT(Arrives(SafeToShare()), IsOk());
  }

  // A report with recommendation 5 for both bodies and 2 for others.
  static registry::v1::InspectionPublished SafeToShare() {
    registry::v1::InspectionPublished published;
    auto* inspection = published.mutable_inspection();
    inspection->set_name("inspections/safe-to-share");
    inspection->set_basis(registry::v1::Inspection::STATUTE_S55);
    *inspection->mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2020, 12, 17));
    for (const char* number : {"2", "5"}) {
      auto* finding = inspection->add_findings();
      finding->set_id(std::string("recommendation-") + number);
      finding->set_number(number);
      finding->set_kind(registry::v1::Finding::RECOMMENDATION);
    }
    for (const char* area : {"norfolk", "suffolk"}) {
      auto* obligation = published.add_obligations();
      obligation->mutable_body()->set_name(std::string("bodies/") + area + "-pcc");
      obligation->mutable_force()->set_name(std::string("forces/") + area);
      obligation->add_findings_to_answer("inspections/safe-to-share/findings/recommendation-5");
    }
    return published;
  }

  absl::Status Arrives(const google::protobuf::Message& payload) {
    events::Event event;
    event.set_event_id("event");
    event.set_actor("people/registrar");
    event.mutable_payload()->PackFrom(payload);
    return database_->Write([&](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(OnRegistryEvent(tx, event, log_, server_.clock()));
      return OnPublicationEvent(tx, event);
    });
  }

  std::unique_ptr<grpc::ClientContext> As(const Person& person) { return server_.As(person.subject, person.roles); }

  grpc::Status Get(const Person& person, const std::string& name, v1::Response* response) {
    v1::GetResponseRequest request;
    request.set_name(name);
    return stub_->GetResponse(As(person).get(), request, response);
  }

  v1::Response Get(const Person& person, const std::string& name = kNorfolk) {
    v1::Response response;
    EXPECT_THAT(Get(person, name, &response), IsOk());
    return response;
  }

  grpc::Status SetComments(const Person& person, const std::string& comments, const std::string& etag = "",
                           const std::string& request_id = "", v1::Response* response = nullptr) {
    v1::UpdateResponseRequest request;
    request.mutable_response()->set_name(kNorfolk);
    request.mutable_response()->set_comments(comments);
    request.mutable_update_mask()->add_paths("comments");
    request.set_etag(etag);
    request.set_request_id(request_id);
    v1::Response ignored;
    return stub_->UpdateResponse(As(person).get(), request, response == nullptr ? &ignored : response);
  }

  grpc::Status Comment(const Person& person) {
    v1::SubmitChiefOfficerCommentsRequest request;
    request.set_name(kNorfolk);
    auto* contribution = request.add_contributions();
    contribution->set_author("C. Officer");
    contribution->set_rank("Chief Constable");
    contribution->set_text("We agree.");
    v1::Response response;
    return stub_->SubmitChiefOfficerComments(As(person).get(), request, &response);
  }

  // Brings Norfolk's response to the commissioner's desk.
  void SubmitComplete() {
    v1::InviteChiefOfficerRequest invite;
    invite.set_name(kNorfolk);
    *invite.mutable_comments_due_date() = base::ToProtoDate(absl::CivilDay(2021, 1, 14));
    v1::Response response;
    ASSERT_THAT(stub_->InviteChiefOfficer(As(kAuthor).get(), invite, &response), IsOk());
    ASSERT_THAT(Comment(kChief), IsOk());
    v1::UpdateResponseRequest update;
    update.mutable_response()->set_name(kNorfolk);
    update.mutable_response()->set_comments("Our comments.");
    auto* answer = update.mutable_response()->add_answers();
    answer->set_finding("recommendation-5");
    answer->set_kind(v1::Answer::ACTION_TAKEN);
    answer->set_explanation("Done.");
    ASSERT_THAT(stub_->UpdateResponse(As(kAuthor).get(), update, &response), IsOk());
    v1::SubmitResponseRequest submit;
    submit.set_name(kNorfolk);
    ASSERT_THAT(stub_->SubmitResponse(As(kAuthor).get(), submit, &response), IsOk());
  }

  grpc::Status Approve(const Person& person) {
    v1::ApproveResponseRequest request;
    request.set_name(kNorfolk);
    v1::Response response;
    return stub_->ApproveResponse(As(person).get(), request, &response);
  }

  // How many events of each type stand in the feed.
  std::map<std::string, int> EventCounts() {
    log_.Start();
    std::map<std::string, int> counts;
    while (log_.WaitBeyond(seen_, absl::Milliseconds(200))) {
      const auto page = log_.Read(seen_, 1000);
      EXPECT_THAT(page, IsOk());
      for (const auto& event : page->events) {
        const std::string url = event.payload().type_url();
        events_.push_back(event);
        seen_ = event.position();
      }
    }
    for (const auto& event : events_) {
      const std::string& url = event.payload().type_url();
      ++counts[url.substr(url.rfind('.') + 1)];
    }
    return counts;
  }

  section55::testing::TestDatabase database_;
  events::EventLog log_;
  BodyDirectory directory_;
  section55::testing::TestServer server_;
  std::unique_ptr<v1::ResponseAuthoring::Stub> stub_;
  std::vector<events::Event> events_;
  int64_t seen_ = 0;
};

TEST_F(AuthoringTest, APublishedReportOpensOneResponseForEveryBodyHoweverOftenItArrives) {
  EXPECT_THAT(Arrives(SafeToShare()), IsOk());
  v1::ListResponsesRequest request;
  request.set_parent("bodies/-");
  v1::ListResponsesResponse list;
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &list), IsOk());
  ASSERT_EQ(list.responses_size(), 2);
  EXPECT_EQ(list.responses(0).name(), kNorfolk);
  EXPECT_EQ(list.responses(1).name(), kSuffolk);
  EXPECT_FALSE(list.responses(0).findings(0).answer_required());
  EXPECT_TRUE(list.responses(0).findings(1).answer_required());
  EXPECT_EQ(EventCounts()["ResponseOpened"], 2);
}

TEST_F(AuthoringTest, AForeignTenantAndAnUnknownResourceLookTheSame) {
  v1::Response response;
  const grpc::Status foreign = Get(kSuffolkAuthor, kNorfolk, &response);
  const grpc::Status unknown = Get(kSuffolkAuthor, "bodies/norfolk-pcc/responses/unknown", &response);
  const grpc::Status nobody = Get(kSuffolkAuthor, "bodies/nobody/responses/unknown", &response);
  EXPECT_THAT(foreign, StatusIs(absl::StatusCode::kPermissionDenied));
  for (const auto& other : {unknown, nobody}) {
    EXPECT_EQ(other.error_code(), foreign.error_code());
    EXPECT_EQ(other.error_message(), foreign.error_message());
    EXPECT_EQ(other.error_details(), foreign.error_details());
  }
  EXPECT_THAT(Get(kAuthor, "bodies/norfolk-pcc/responses/unknown", &response), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(AuthoringTest, OnlyTheBodysPeopleAndTheAuditorReadTheDraft) {
  ASSERT_THAT(SetComments(kAuthor, "Draft."), IsOk());
  EXPECT_EQ(Get(kApprover).comments(), "Draft.");
  EXPECT_EQ(Get(kAuditor).comments(), "Draft.");
  EXPECT_EQ(Get(kChief).comments(), "") << "the force sees what it was asked, not the draft";
  EXPECT_EQ(Get(kChief).findings_size(), 2);
  v1::Response response;
  EXPECT_THAT(Get(kOperator, kNorfolk, &response), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get({"x", {"chief-officer@forces/suffolk"}}, kNorfolk, &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
  v1::GetResponseRequest request;
  request.set_name(kNorfolk);
  EXPECT_THAT(stub_->GetResponse(server_.AsNobody().get(), request, &response),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(AuthoringTest, AListAcrossBodiesShowsEachCallerTheirOwn) {
  const auto names = [&](const Person& person, const std::string& filter = "") {
    v1::ListResponsesRequest request;
    request.set_parent("bodies/-");
    request.set_filter(filter);
    v1::ListResponsesResponse list;
    EXPECT_THAT(stub_->ListResponses(As(person).get(), request, &list), IsOk());
    std::vector<std::string> found;
    for (const auto& response : list.responses()) {
      found.push_back(response.name());
    }
    return found;
  };
  EXPECT_THAT(names(kAuthor), ElementsAre(kNorfolk));
  EXPECT_THAT(names(kChief), ElementsAre(kNorfolk));
  EXPECT_THAT(names(kAuditor), ElementsAre(kNorfolk, kSuffolk));
  EXPECT_THAT(names(kAuditor, "state = \"IN_REVIEW\""), IsEmpty());
  EXPECT_THAT(names(kAuditor, "inspection = \"inspections/safe-to-share\" AND state = OPEN"),
              ElementsAre(kNorfolk, kSuffolk));
}

TEST_F(AuthoringTest, PagesAreBoundToTheirQuery) {
  v1::ListResponsesRequest request;
  request.set_parent("bodies/-");
  request.set_page_size(1);
  v1::ListResponsesResponse first;
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &first), IsOk());
  ASSERT_EQ(first.responses_size(), 1);
  request.set_page_token(first.next_page_token());
  v1::ListResponsesResponse second;
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &second), IsOk());
  EXPECT_EQ(second.responses(0).name(), kSuffolk);
  EXPECT_EQ(second.next_page_token(), "");
  request.set_filter("state = OPEN");
  EXPECT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &second), ViolationOn("page_token"));
  request.set_page_size(-1);
  EXPECT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &second), ViolationOn("page_size"));
}

// Comments of 50,000 bytes each, from as many officers.
v1::SubmitChiefOfficerCommentsRequest LongComments(const std::string& response, int first, int count) {
  v1::SubmitChiefOfficerCommentsRequest request;
  request.set_name(response);
  for (int i = first; i < first + count; ++i) {
    auto* contribution = request.add_contributions();
    contribution->set_author("Officer " + std::to_string(i));
    contribution->set_rank("Inspector");
    contribution->set_text(std::string(50'000, 'x'));
  }
  return request;
}

TEST_F(AuthoringTest, APageEndsBeforeItOutgrowsAMessage) {
  v1::Response response;
  ASSERT_THAT(stub_->SubmitChiefOfficerComments(As(kChief).get(), LongComments(kNorfolk, 0, 30), &response), IsOk());
  ASSERT_THAT(stub_->SubmitChiefOfficerComments(As(kSuffolkChief).get(), LongComments(kSuffolk, 0, 30), &response),
              IsOk());
  v1::ListResponsesRequest request;
  request.set_parent("bodies/-");
  v1::ListResponsesResponse page;
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &page), IsOk());
  ASSERT_EQ(page.responses_size(), 1);
  EXPECT_EQ(page.responses(0).name(), kNorfolk);
  request.set_page_token(page.next_page_token());
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &page), IsOk());
  ASSERT_EQ(page.responses_size(), 1);
  EXPECT_EQ(page.responses(0).name(), kSuffolk);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(AuthoringTest, WhatWouldGrowTooLargeChangesNothing) {
  v1::Response response;
  ASSERT_THAT(stub_->SubmitChiefOfficerComments(As(kChief).get(), LongComments(kNorfolk, 0, 30), &response), IsOk());
  const v1::Response before = Get(kAuditor);
  EXPECT_THAT(stub_->SubmitChiefOfficerComments(As(kChief).get(), LongComments(kNorfolk, 30, 20), &response),
              ViolationOn("contributions"));
  EXPECT_EQ(Get(kAuditor).SerializeAsString(), before.SerializeAsString());
}

TEST_F(AuthoringTest, OfTwoPeopleSavingAtOnceTheSecondGetsAConflictAndNothingIsLost) {
  const std::string etag = Get(kAuthor).etag();
  ASSERT_THAT(SetComments(kAuthor, "First.", etag), IsOk());
  EXPECT_THAT(SetComments(kApprover, "Second.", etag), HasReason("ETAG_MISMATCH"));
  EXPECT_EQ(Get(kAuthor).comments(), "First.");
  EXPECT_NE(Get(kAuthor).etag(), etag);
}

TEST_F(AuthoringTest, ARepeatedRequestGetsTheFirstAnswerAndChangesNothing) {
  v1::Response first;
  ASSERT_THAT(SetComments(kAuthor, "Once.", "", "request-1", &first), IsOk());
  ASSERT_THAT(SetComments(kAuthor, "Meanwhile."), IsOk());
  v1::Response repeated;
  ASSERT_THAT(SetComments(kAuthor, "Once.", "", "request-1", &repeated), IsOk());
  EXPECT_EQ(repeated.etag(), first.etag());
  EXPECT_EQ(Get(kAuthor).comments(), "Meanwhile.");
  EXPECT_THAT(SetComments(kAuthor, "Something else.", "", "request-1"), ViolationOn("request_id"));
}

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

TEST_F(AuthoringTest, FromInvitationToPublicationWithOneEventForEachStep) {
  v1::CheckResponseRequest check;
  check.set_name(kNorfolk);
  v1::CheckResponseResponse gaps;
  ASSERT_THAT(stub_->CheckResponse(As(kAuthor).get(), check, &gaps), IsOk());
  EXPECT_FALSE(gaps.can_submit());
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  EXPECT_THAT(Approve(kAuthor), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Approve({"ann", {"approver@bodies/norfolk-pcc"}}), HasReason("SECOND_PERSON_NEEDED"));
  ASSERT_THAT(Approve(kApprover), IsOk());
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::APPROVED);

  publication::v1::ResponsePublished published;
  published.set_response(kNorfolk);
  published.mutable_publication()->set_edition(1);
  published.mutable_publication()->mutable_published_time()->set_seconds(1612900000);
  ASSERT_THAT(Arrives(published), IsOk());
  ASSERT_THAT(Arrives(published), IsOk());
  const v1::Response response = Get(kAuthor);
  EXPECT_EQ(response.state(), v1::Response::PUBLISHED);
  EXPECT_EQ(response.publish_time().seconds(), 1612900000);
  EXPECT_EQ(Get(kChief).comments(), "Our comments.") << "what is public is public to the force as well";

  const std::map<std::string, int> expected = {{"ResponseOpened", 2},
                                               {"ChiefOfficerInvited", 1},
                                               {"ChiefOfficerCommented", 1},
                                               {"ResponseSubmitted", 1},
                                               {"ResponseApproved", 1}};
  EXPECT_EQ(EventCounts(), expected);
}

TEST_F(AuthoringTest, TheApprovedEventCarriesAllThatPublicationNeeds) {
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  ASSERT_THAT(Approve(kApprover), IsOk());
  EventCounts();
  v1::ResponseApproved approved;
  ASSERT_TRUE(events_.back().payload().UnpackTo(&approved));
  EXPECT_EQ(events_.back().tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(events_.back().subject(), kNorfolk);
  EXPECT_EQ(events_.back().actor(), "people/pat");
  EXPECT_THAT(events_.back().cause(), Not(IsEmpty()));
  EXPECT_EQ(approved.response().comments(), "Our comments.");
  EXPECT_EQ(approved.response().chief_officer().contributions_size(), 1);
  EXPECT_EQ(approved.response().state(), v1::Response::APPROVED);
}

TEST_F(AuthoringTest, ARefusedChangeLeavesNoEvent) {
  v1::SubmitResponseRequest submit;
  submit.set_name(kNorfolk);
  v1::Response response;
  EXPECT_THAT(stub_->SubmitResponse(As(kAuthor).get(), submit, &response), HasReason("INCOMPLETE"));
  EXPECT_THAT(SetComments(kAuthor, std::string(50'001, 'x')), ViolationOn("response.comments"));
  EXPECT_EQ(EventCounts().size(), 1u) << "only ResponseOpened";
}

TEST_F(AuthoringTest, APublicationOfAnUnknownResponseIsAnErrorToBeParked) {
  publication::v1::ResponsePublished published;
  published.set_response("bodies/norfolk-pcc/responses/unknown");
  EXPECT_THAT(Arrives(published), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace section55::authoring
