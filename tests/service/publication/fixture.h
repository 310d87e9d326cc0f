// Publication in process: the real service, event log and database, fed with events by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "db_schema.h"
#include "events_schema.h"
#include "jobs_schema.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/events/event_log.h"
#include "libs/events/handlers.h"
#include "libs/jobs/queue.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "publication_schema.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "services/publication/followers.h"
#include "services/publication/jobs.h"
#include "services/publication/service.h"
#include "tests/unit/publication/sample_response.h"

namespace section55::publication {

inline constexpr char kPublicUrl[] = "https://register.example";

// A database that lets a test do something after what was written is durable.
class WatchedDatabase : public section55::testing::DatabaseFront {
 public:
  using DatabaseFront::DatabaseFront;

  absl::Status Write(db::Body body, absl::Time until) override {
    const absl::Status written = DatabaseFront::Write(body, until);
    return written.ok() && after_write ? after_write() : written;
  }
  // What the writer is told instead.
  std::function<absl::Status()> after_write;
};

class PublicationFixture : public ::testing::Test {
 protected:
  PublicationFixture()
      : database_(db::Engine::kSqlite,
                  {db::MigrationSchema(), events::MigrationSchema(), jobs::MigrationSchema(), MigrationSchema()}),
        watched_(*database_),
        log_(*database_),
        server_(MorningOf(absl::CivilDay(2021, 2, 9))),
        jobs_(*database_, server_.clock(), "here:1", 1),
        handlers_(AuthoringHandlers(jobs_, server_.clock())) {
    server_.Add<PublicationService>(kServiceName, *database_, renderer_);
    server_.Start();
    log_.Start();
    RegisterJobs(jobs_, watched_, server_.clock(), log_, renderer_);
    jobs_.Start();
    stub_ = v1::Publication::NewStub(server_.channel());
  }
  ~PublicationFixture() override {
    jobs_.Stop();
    log_.Stop();
  }

  // The event as the follower hands it over, in a transaction of its own.
  absl::Status Deliver(const google::protobuf::Message& payload, const std::string& event_id = base::NewUuid()) {
    common::v1::Event event;
    event.set_event_id(event_id);
    event.set_schema_version(1);
    event.mutable_payload()->PackFrom(payload);
    RETURN_IF_ERROR(handlers_.Knows(event));
    return database_->Write([&](db::Transaction& tx) { return handlers_.Apply(tx, event); });
  }

  // Delivers an approval and waits until the job that it led to, if any, is done or parked.
  absl::Status Approve(const authoring::v1::Response& response, const std::string& event_id = base::NewUuid()) {
    authoring::v1::ResponseApproved approved;
    *approved.mutable_response() = response;
    RETURN_IF_ERROR(Deliver(approved, event_id));
    return Eventually([&] { return Jobs().waiting == 0; }) ? absl::OkStatus()
                                                           : absl::DeadlineExceededError("the job is not done");
  }

  // Whether `condition` comes true.
  static bool Eventually(const std::function<bool()>& condition) {
    const absl::Time end = absl::Now() + absl::Minutes(2);
    while (!condition()) {
      if (absl::Now() > end) {
        return false;
      }
      std::this_thread::yield();
    }
    return true;
  }

  jobs::Queue::Counts Jobs() {
    const auto counts = jobs_.Count();
    EXPECT_THAT(counts, section55::testing::IsOk());
    return counts.value_or(jobs::Queue::Counts());
  }

  // How often the only job there is was tried.
  int Attempts() {
    const auto jobs = jobs_.List("", false, {}, 1);
    return jobs.ok() && jobs->size() == 1 ? jobs->front().attempts() : 0;
  }

  // Norfolk's response to another report.
  static authoring::v1::Response ResponseTo(const std::string& inspection, const std::string& body = "norfolk-pcc") {
    authoring::v1::Response response = SampleResponse();
    response.set_name("bodies/" + body + "/responses/" + inspection);
    response.set_inspection("inspections/" + inspection);
    return response;
  }

  // All events so far.
  std::vector<events::Event> Events(int expected) {
    if (expected > 0) {
      EXPECT_TRUE(log_.WaitBeyond(expected - 1, absl::Seconds(30)));
    }
    const auto page = log_.Read(0, 1000);
    EXPECT_THAT(page, section55::testing::IsOk());
    return page.ok() ? page->events : std::vector<events::Event>();
  }

  std::unique_ptr<grpc::ClientContext> AsReader() { return server_.As("reader", {}); }
  std::unique_ptr<grpc::ClientContext> AsOperator() { return server_.As("op", {"operator"}); }
  std::unique_ptr<grpc::ClientContext> AsAuthor() { return server_.As("ann", {"author@bodies/norfolk-pcc"}); }

  v1::PublicationRecord Get(const std::string& name = "bodies/norfolk-pcc/publications/safe-to-share") {
    v1::GetPublicationRequest request;
    request.set_name(name);
    v1::PublicationRecord record;
    EXPECT_THAT(stub_->GetPublication(AsReader().get(), request, &record), section55::testing::IsOk());
    return record;
  }

  std::vector<v1::Copy> Copies() {
    v1::ListCopiesRequest request;
    request.set_parent("bodies/norfolk-pcc/publications/safe-to-share");
    v1::ListCopiesResponse response;
    EXPECT_THAT(stub_->ListCopies(AsAuthor().get(), request, &response), section55::testing::IsOk());
    return {response.copies().begin(), response.copies().end()};
  }

  // The chunks of a rendition.
  std::vector<std::string> Rendition(v1::GetRenditionRequest::Format format) {
    v1::GetRenditionRequest request;
    request.set_name("bodies/norfolk-pcc/publications/safe-to-share");
    request.set_format(format);
    const auto context = AsReader();
    const auto reader = stub_->GetRendition(context.get(), request);
    std::vector<std::string> chunks;
    v1::GetRenditionResponse response;
    while (reader->Read(&response)) {
      chunks.push_back(response.data());
    }
    EXPECT_THAT(reader->Finish(), section55::testing::IsOk());
    return chunks;
  }

  v1::CreateRecipientRequest RecipientRequest(const std::string& id, v1::Copy::RecipientKind kind,
                                              absl::CivilDay from) {
    v1::CreateRecipientRequest request;
    request.set_recipient_id(id);
    request.mutable_recipient()->set_kind(kind);
    request.mutable_recipient()->set_display_name("Title of " + id);
    request.mutable_recipient()->set_address(id + "@example.org");
    *request.mutable_recipient()->mutable_valid_from() = base::ToProtoDate(from);
    return request;
  }

  section55::testing::TestDatabase database_;
  WatchedDatabase watched_;  // what the job writes through
  events::EventLog log_;
  section55::testing::TestServer server_;
  Renderer renderer_{kPublicUrl};
  jobs::Queue jobs_;
  events::Handlers handlers_;
  std::unique_ptr<v1::Publication::Stub> stub_;
};

}  // namespace section55::publication
