// inspection-registry in process: real server, real SQLite.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "db_schema.h"
#include "events_schema.h"
#include "libs/base/proto_time.h"
#include "libs/events/event_log.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "registry_schema.h"
#include "section55/registry/v1/events.pb.h"
#include "services/inspection-registry/service.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry {

using v1::Inspection;

// Noon on the day that "Safe to share?" was published.
inline const absl::Time kNow = absl::FromCivil(absl::CivilSecond(2020, 12, 17, 12, 0, 0), absl::UTCTimeZone());

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    server_.Add<InspectionRegistryService>(kServiceName, *database_, log_);
    server_.Start();
    stub_ = v1::InspectionRegistry::NewStub(server_.channel());
    log_.Start();
  }
  ~RegistryTest() override { server_.Stop(); }

  std::unique_ptr<grpc::ClientContext> Registrar() { return server_.As("reg", {"registrar"}); }
  std::unique_ptr<grpc::ClientContext> Author() { return server_.As("ann", {"author@bodies/norfolk-pcc"}); }

  void RegisterForce(const v1::Force& force) {
    v1::CreateForceRequest request;
    request.set_force_id(force.name().substr(sizeof("forces/") - 1));
    *request.mutable_force() = force;
    v1::Force answer;
    ASSERT_THAT(stub_->CreateForce(Registrar().get(), request, &answer), section55::testing::IsOk());
  }

  v1::CreateBodyRequest BodyRequest(const v1::Body& body) {
    v1::CreateBodyRequest request;
    request.set_body_id(body.name().substr(sizeof("bodies/") - 1));
    *request.mutable_body() = body;
    return request;
  }

  // All forces with their bodies: that many events, 44.
  void RegisterEverybody() {
    const rules::Register registered = RegisteredForces();
    for (size_t i = 0; i < registered.forces.size(); ++i) {
      RegisterForce(registered.forces[i]);
      v1::Body answer;
      ASSERT_THAT(stub_->CreateBody(Registrar().get(), BodyRequest(registered.bodies[i]), &answer),
                  section55::testing::IsOk());
    }
  }

  static v1::CreateInspectionRequest InspectionRequest(const Inspection& inspection = SafeToShare()) {
    v1::CreateInspectionRequest request;
    request.set_inspection_id("safe-to-share");
    *request.mutable_inspection() = inspection;
    return request;
  }

  Inspection Create(const Inspection& inspection = SafeToShare(), const std::string& id = "safe-to-share") {
    v1::CreateInspectionRequest request = InspectionRequest(inspection);
    request.set_inspection_id(id);
    Inspection answer;
    EXPECT_THAT(stub_->CreateInspection(Registrar().get(), request, &answer), section55::testing::IsOk());
    return answer;
  }

  grpc::Status Get(std::unique_ptr<grpc::ClientContext> context, Inspection& answer) {
    v1::GetInspectionRequest request;
    request.set_name("inspections/safe-to-share");
    return stub_->GetInspection(context.get(), request, &answer);
  }

  Inspection Stored() {
    Inspection answer;
    EXPECT_THAT(Get(Registrar(), answer), section55::testing::IsOk());
    return answer;
  }

  grpc::Status Publish(const std::string& etag = "", const std::string& request_id = "", Inspection* answer = nullptr) {
    v1::PublishInspectionRequest request;
    request.set_name("inspections/safe-to-share");
    request.set_etag(etag);
    request.set_request_id(request_id);
    Inspection ignored;
    return stub_->PublishInspection(Registrar().get(), request, answer != nullptr ? answer : &ignored);
  }

  static v1::UpdateInspectionRequest UpdateRequest(const std::string& title) {
    v1::UpdateInspectionRequest request;
    request.mutable_inspection()->set_name("inspections/safe-to-share");
    request.mutable_inspection()->set_title(title);
    request.mutable_update_mask()->add_paths("title");
    return request;
  }

  grpc::Status Update(const v1::UpdateInspectionRequest& request) {
    Inspection answer;
    return stub_->UpdateInspection(Registrar().get(), request, &answer);
  }

  std::vector<std::string> List(std::unique_ptr<grpc::ClientContext> context) {
    v1::ListInspectionsResponse answer;
    EXPECT_THAT(stub_->ListInspections(context.get(), {}, &answer), section55::testing::IsOk());
    std::vector<std::string> names;
    for (const Inspection& inspection : answer.inspections()) {
      names.push_back(inspection.name());
    }
    return names;
  }

  // The events of the feed, once there are that many.
  std::vector<events::Event> Events(int64_t expected) {
    EXPECT_TRUE(log_.WaitBeyond(expected - 1, absl::Seconds(30)));
    auto page = log_.Read(0, 1000);
    EXPECT_THAT(page, section55::testing::IsOk());
    return page.ok() ? page->events : std::vector<events::Event>();
  }

  // Events that were appended but not numbered yet count as well.
  int64_t CountEvents() {
    int64_t count = 0;
    EXPECT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
      for (const char* sql : {"SELECT COUNT(*) FROM outbox", "SELECT COUNT(*) FROM events"}) {
        RETURN_IF_ERROR(tx.Query(sql, {}, [&](const db::Row& row) { count += row.Int64(0); }));
      }
      return absl::OkStatus();
    }),
                section55::testing::IsOk());
    return count;
  }

  section55::testing::TestDatabase database_{db::Engine::kSqlite,
                                             {db::MigrationSchema(), events::MigrationSchema(), MigrationSchema()}};
  events::EventLog log_{*database_};
  section55::testing::TestServer server_{kNow};
  std::unique_ptr<v1::InspectionRegistry::Stub> stub_;
};

}  // namespace section55::registry
