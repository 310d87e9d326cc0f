// inspection-registry in process, on both engines, with a force, and what import, export and lists need.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "db_schema.h"
#include "events_schema.h"
#include "libs/base/status.h"
#include "libs/events/event_log.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "registry_schema.h"
#include "services/inspection-registry/service.h"

namespace section55::registry {

using section55::testing::AsStatus;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using section55::testing::TestServer;
using section55::testing::ViolationOn;

// What an import answered, all of it.
struct Imported {
  grpc::Status status;
  std::vector<v1::ImportInspectionsResponse::Problem> problems;
  v1::ImportInspectionsResponse::Progress progress;
  v1::ImportInspectionsResponse::Result result;
};

class ExchangeTest : public section55::testing::OnBothEngines {
 protected:
  ExchangeTest() : OnBothEngines({db::MigrationSchema(), events::MigrationSchema(), MigrationSchema()}) {
    server_.Add<InspectionRegistryService>(kServiceName, database(), log_);
    server_.Start();
    stub_ = v1::InspectionRegistry::NewStub(server_.channel());
    log_.Start();
    AddForce("norfolk", "Norfolk Constabulary", "East");
  }
  ~ExchangeTest() override { server_.Stop(); }

  std::unique_ptr<grpc::ClientContext> Registrar() { return server_.As("reg", {"registrar"}); }

  void AddForce(const std::string& id, const std::string& name, const std::string& region, bool territorial = true) {
    v1::CreateForceRequest request;
    request.set_force_id(id);
    request.mutable_force()->set_display_name(name);
    request.mutable_force()->set_chief_officer_title("Chief Constable");
    request.mutable_force()->set_region(region);
    request.mutable_force()->set_territorial(territorial);
    v1::Force force;
    EXPECT_THAT(stub_->CreateForce(Registrar().get(), request, &force), IsOk());
  }
  void AddBody(const std::string& id, const std::string& name, v1::Body::Kind kind, const std::string& force) {
    v1::CreateBodyRequest request;
    request.set_body_id(id);
    request.mutable_body()->set_display_name(name);
    request.mutable_body()->set_kind(kind);
    request.mutable_body()->set_force(force);
    v1::Body body;
    EXPECT_THAT(stub_->CreateBody(Registrar().get(), request, &body), IsOk());
  }

  // Sends `file` in pieces, the first with `how`.
  Imported Import(const std::string& file, v1::ImportInspectionsRequest how, size_t piece = 1 << 20) {
    Imported imported;
    const auto context = Registrar();
    const auto stream = stub_->ImportInspections(context.get());
    // The answers are read beside: in process one has left only when it is read, and the server would read no further.
    std::thread reader([&] {
      for (v1::ImportInspectionsResponse answer; stream->Read(&answer);) {
        imported.problems.insert(imported.problems.end(), answer.problems().begin(), answer.problems().end());
        imported.progress = answer.progress();
        if (answer.has_result()) {
          imported.result = answer.result();
        }
      }
    });
    size_t at = 0;
    do {
      how.set_data(file.substr(at, piece));
      at += how.data().size();
      how.set_last(at == file.size());
      stream->Write(how);
      how.Clear();
    } while (at < file.size());
    stream->WritesDone();
    reader.join();
    imported.status = stream->Finish();
    return imported;
  }

  static v1::ImportInspectionsRequest Csv() {
    v1::ImportInspectionsRequest how;
    how.set_format(v1::FILE_FORMAT_CSV);
    return how;
  }
  static v1::ImportInspectionsRequest JsonLines() {
    v1::ImportInspectionsRequest how;
    how.set_format(v1::FILE_FORMAT_JSON_LINES);
    return how;
  }

  std::string Export(v1::FileFormat format) {
    v1::ExportInspectionsRequest request;
    request.set_format(format);
    const auto context = Registrar();
    const auto stream = stub_->ExportInspections(context.get(), request);
    std::string file;
    for (v1::ExportInspectionsResponse piece; stream->Read(&piece);) {
      file += piece.data();
    }
    EXPECT_THAT(stream->Finish(), IsOk());
    return file;
  }

  int CountReports() {
    v1::ListInspectionsRequest request;
    request.set_page_size(1000);
    v1::ListInspectionsResponse page;
    EXPECT_THAT(stub_->ListInspections(Registrar().get(), request, &page), IsOk());
    return page.inspections_size();
  }

  events::EventLog log_{database()};
  TestServer server_{absl::FromCivil(absl::CivilSecond(2021, 1, 1, 12, 0, 0), absl::UTCTimeZone())};
  std::unique_ptr<v1::InspectionRegistry::Stub> stub_;
};

}  // namespace section55::registry
