// response-authoring in process: real server, real SQLite, events made by hand; and the matchers that its tests use.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "authoring_schema.h"
#include "db_schema.h"
#include "events_schema.h"
#include "jobs_schema.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/jobs/queue.h"
#include "libs/service/directory.h"
#include "libs/service/successions.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "service_schema.h"
#include "services/response-authoring/followers.h"
#include "services/response-authoring/jobs.h"
#include "services/response-authoring/service.h"
#include "services/response-authoring/successions.h"

namespace section55::authoring {

using ::section55::testing::HasReason;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::section55::testing::ViolationOn;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

inline constexpr char kNorfolk[] = "bodies/norfolk-pcc/responses/safe-to-share";
inline constexpr char kSuffolk[] = "bodies/suffolk-pcc/responses/safe-to-share";
inline const absl::Time kMidJanuary = absl::FromCivil(absl::CivilHour(2021, 1, 11, 10), absl::UTCTimeZone());

struct Person {
  std::string subject;
  std::vector<std::string> roles;
};
inline const Person kAuthor = {"ann", {"author@bodies/norfolk-pcc"}};
inline const Person kApprover = {"pat", {"approver@bodies/norfolk-pcc"}};
inline const Person kChief = {"chris", {"chief-officer@forces/norfolk"}};
inline const Person kSuffolkAuthor = {"sue", {"author@bodies/suffolk-pcc"}};
inline const Person kSuffolkChief = {"cleo", {"chief-officer@forces/suffolk"}};
inline const Person kAuditor = {"audrey", {"auditor"}};
inline const Person kOperator = {"olly", {"operator"}};

// What publication would say of a response; it remembers what it was asked.
class FakeRenditions : public Renditions {
 public:
  absl::Status Check(const v1::Response& approved, absl::Time) override {
    asked.push_back(approved);
    if (meanwhile) {
      meanwhile();
    }
    return answer;
  }

  absl::Status answer;
  std::function<void()> meanwhile;
  std::vector<v1::Response> asked;
};

class AuthoringTest : public ::testing::Test {
 protected:
  AuthoringTest()
      : database_(db::Engine::kSqlite, {db::MigrationSchema(), events::MigrationSchema(), jobs::MigrationSchema(),
                                        service::MigrationSchema(), MigrationSchema()}),
        log_(*database_),
        directory_(*database_, store::ForceOf),
        server_(kMidJanuary),
        jobs_(*database_, server_.clock(), "test"),
        changes_(log_, jobs_, server_.clock()),
        from_registry_(RegistryHandlers(changes_)),
        from_publication_(PublicationHandlers(changes_)) {
    RegisterJobs(jobs_, log_, server_.clock());
    RegisterSuccessionJobs(jobs_, changes_);
    server_.Add<ResponseAuthoringService>(kServiceName, *database_, log_, jobs_, renditions_);
    server_.server().SetTenantDirectory(&directory_);
    server_.Start();
    stub_ = v1::ResponseAuthoring::NewStub(server_.channel());
    for (const char* area : {"norfolk", "suffolk"}) {
      registry::v1::BodyRegistered registered;
      registered.mutable_body()->set_name(std::string("bodies/") + area + "-pcc");
      registered.mutable_body()->set_force(std::string("forces/") + area);
      registered.mutable_force()->set_name(registered.body().force());
      EXPECT_THAT(Arrives(registered), IsOk());
    }
    EXPECT_THAT(Arrives(SafeToShare()), IsOk());
  }

  // A report with recommendation 5 for both bodies and 2 for others.
  static registry::v1::InspectionPublished SafeToShare() {
    registry::v1::InspectionPublished published;
    auto* inspection = published.mutable_inspection();
    inspection->set_name("inspections/safe-to-share");
    inspection->set_etag("v7");
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
      obligation->mutable_body()->set_etag("v3");
      obligation->add_findings_to_answer("inspections/safe-to-share/findings/recommendation-5");
    }
    return published;
  }

  absl::Status Arrives(const google::protobuf::Message& payload) {
    events::Event event;
    event.set_event_id("event");
    event.mutable_payload()->PackFrom(payload);
    event.set_schema_version(1);
    const bool registry = from_registry_.Knows(event).ok();
    event.set_actor(registry ? "people/registrar" : "services/publication");
    const events::Handlers& handlers = registry ? from_registry_ : from_publication_;
    RETURN_IF_ERROR(handlers.Knows(event));
    return database_->Write([&](db::Transaction& tx) { return handlers.Apply(tx, event); });
  }

  std::unique_ptr<grpc::ClientContext> As(const Person& person) { return server_.As(person.subject, person.roles); }

  grpc::Status Get(const Person& person, const std::string& name, v1::Response* response,
                   v1::ResponseView view = v1::RESPONSE_VIEW_UNSPECIFIED) {
    v1::GetResponseRequest request;
    request.set_name(name);
    request.set_view(view);
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

  grpc::Status Comment(const Person& person, const std::string& name = kNorfolk) {
    v1::SubmitChiefOfficerCommentsRequest request;
    request.set_name(name);
    auto* contribution = request.add_contributions();
    contribution->set_author("C. Officer");
    contribution->set_rank("Chief Constable");
    contribution->set_text("We agree.");
    v1::Response response;
    return stub_->SubmitChiefOfficerComments(As(person).get(), request, &response);
  }

  grpc::Status Invite(absl::CivilDay day) {
    v1::InviteChiefOfficerRequest invite;
    invite.set_name(kNorfolk);
    *invite.mutable_comments_due_date() = base::ToProtoDate(day);
    v1::Response response;
    return stub_->InviteChiefOfficer(As(kAuthor).get(), invite, &response);
  }

  // The office's part, so that nothing is missing.
  grpc::Status WriteAll() {
    v1::UpdateResponseRequest update;
    update.mutable_response()->set_name(kNorfolk);
    update.mutable_response()->set_comments("Our comments.");
    auto* answer = update.mutable_response()->add_answers();
    answer->set_finding("recommendation-5");
    answer->set_kind(v1::Answer::ACTION_TAKEN);
    answer->set_explanation("Done.");
    v1::Response response;
    return stub_->UpdateResponse(As(kAuthor).get(), update, &response);
  }

  grpc::Status Submit(const std::string& etag) {
    v1::SubmitResponseRequest submit;
    submit.set_name(kNorfolk);
    submit.set_etag(etag);
    v1::Response response;
    return stub_->SubmitResponse(As(kAuthor).get(), submit, &response);
  }

  grpc::Status RecordNoComments(const Person& person) {
    v1::RecordNoCommentsRequest request;
    request.set_name(kNorfolk);
    v1::Response response;
    return stub_->RecordNoComments(As(person).get(), request, &response);
  }

  // Brings Norfolk's response to the commissioner's desk.
  void SubmitComplete() {
    ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
    ASSERT_THAT(Comment(kChief), IsOk());
    ASSERT_THAT(WriteAll(), IsOk());
    ASSERT_THAT(Submit(Get(kAuthor).etag()), IsOk());
  }

  grpc::Status Approve(const Person& person, const std::string& etag, const std::string& request_id = "",
                       v1::Response* response = nullptr) {
    v1::ApproveResponseRequest request;
    request.set_name(kNorfolk);
    request.set_etag(etag);
    request.set_request_id(request_id);
    v1::Response ignored;
    return stub_->ApproveResponse(As(person).get(), request, response == nullptr ? &ignored : response);
  }
  grpc::Status Approve(const Person& person) { return Approve(person, Get(kAuditor).etag()); }

  // How many events of each type stand in the feed, once it holds everything that was appended so far.
  std::map<std::string, int> EventCounts() {
    const absl::Status marked = database_->Write([&](db::Transaction& tx) {
      return log_.Append(tx, {.tenant = "", .subject = "mark", .actor = "test", .cause = "test", .time = kMidJanuary},
                         v1::ResponseSubmitted());
    });
    EXPECT_THAT(marked, IsOk());
    log_.Start();
    bool complete = false;
    while (!complete) {
      EXPECT_TRUE(log_.WaitBeyond(seen_, absl::Seconds(60)));
      const auto page = log_.Read(seen_, 1000);
      EXPECT_THAT(page, IsOk());
      for (const auto& event : page->events) {
        seen_ = event.position();
        complete = event.subject() == "mark";
        if (!complete) {
          events_.push_back(event);
        }
      }
    }
    std::map<std::string, int> counts;
    for (const auto& event : events_) {
      const std::string& url = event.payload().type_url();
      ++counts[url.substr(url.rfind('.') + 1)];
    }
    return counts;
  }

  section55::testing::TestDatabase database_;
  events::EventLog log_;
  service::Directory directory_;
  FakeRenditions renditions_;
  section55::testing::TestServer server_;
  jobs::Queue jobs_;
  Changes changes_;
  events::Handlers from_registry_;
  events::Handlers from_publication_;
  std::unique_ptr<v1::ResponseAuthoring::Stub> stub_;
  std::vector<events::Event> events_;
  int64_t seen_ = 0;
};

}  // namespace section55::authoring
