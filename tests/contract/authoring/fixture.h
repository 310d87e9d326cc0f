// Responses to store, and the fixture of the contract of response-authoring's store, on SQLite and on MariaDB.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "authoring_schema.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/plans.h"
#include "services/response-authoring/store.h"

namespace section55::authoring::store {

using ::section55::testing::EqualsProto;
using ::section55::testing::HasReason;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

inline const absl::Time kNow = absl::FromUnixSeconds(1'610'359'200);

inline registry::v1::Inspection Report(const std::string& inspection, int findings = 2) {
  registry::v1::Inspection report;
  report.set_name("inspections/" + inspection);
  report.set_title("The report " + inspection);
  report.set_revision(1);
  for (int number = 1; number <= findings; ++number) {
    registry::v1::Finding& finding = *report.add_findings();
    finding.set_id("recommendation-" + std::to_string(number));
    finding.set_text("Do this.");
  }
  return report;
}

inline StoredResponse NewResponse(const std::string& body, const std::string& inspection,
                                  const std::string& force = "norfolk") {
  StoredResponse stored;
  stored.revision = 1;
  stored.response.set_name("bodies/" + body + "/responses/" + inspection);
  stored.response.set_inspection("inspections/" + inspection);
  stored.response.mutable_body()->set_name("bodies/" + body);
  stored.response.mutable_force()->set_name("forces/" + force);
  stored.response.set_state(v1::Response::OPEN);
  return stored;
}

class StoreTest : public section55::testing::OnBothEngines {
 protected:
  StoreTest() : OnBothEngines({MigrationSchema()}) {}

  absl::Status Read(absl::FunctionRef<absl::Status(db::Transaction&)> body) { return database().Read(body); }

  absl::Status Insert(StoredResponse stored) {
    const std::string inspection = stored.response.inspection().substr(std::string_view("inspections/").size());
    return database().Write([&](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(KeepReport(tx, Report(inspection)));
      StoredResponse mine = stored;
      return Write(tx, Prepare(v1::Response(), "people/registrar", kNow, mine));
    });
  }

  // Of 20 bodies to 60 reports, one in 50 of them in review: the plans of MariaDB depend on how much there is to choose from.
  void InsertMany() {
    ASSERT_THAT(database().Write([](db::Transaction& tx) -> absl::Status {
      for (int i = 0; i < 1200; ++i) {
        const std::string inspection = fmt::format("report-{:02}", i / 20);
        if (i % 20 == 0) {
          RETURN_IF_ERROR(KeepReport(tx, Report(inspection)));
        }
        StoredResponse stored = NewResponse(fmt::format("body-{:02}", i % 20), inspection);
        stored.response.set_state(i % 50 == 0 ? v1::Response::IN_REVIEW : v1::Response::OPEN);
        RETURN_IF_ERROR(Write(tx, Prepare(v1::Response(), "people/registrar", kNow, stored)));
      }
      return absl::OkStatus();
    }),
                IsOk());
    for (const char* table : {"responses", "reports"}) {
      section55::testing::UpdateStatistics(database(), table);
    }
  }

  absl::StatusOr<StoredResponse> Load(const std::string& body, const std::string& inspection,
                                      ReportForm form = ReportForm::kFacts) {
    absl::StatusOr<StoredResponse> loaded = absl::UnknownError("not run");
    EXPECT_THAT(Read([&](db::Transaction& tx) {
                  loaded = LoadResponse(tx, body, inspection, form);
                  return absl::OkStatus();
                }),
                IsOk());
    return loaded;
  }

  // Saves over what was loaded.
  absl::Status Update(const StoredResponse& loaded, const std::function<void(v1::Response&)>& change,
                      const std::string& actor = "people/ann") {
    StoredResponse changed = loaded;
    change(changed.response);
    const Save save = Prepare(loaded.response, actor, kNow, changed);
    return database().Write([&](db::Transaction& tx) { return Write(tx, save); });
  }

  // The names in a range, in pages.
  std::vector<std::string> List(Range range, int page = 100) {
    std::vector<std::string> names;
    EXPECT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                  for (size_t before = SIZE_MAX; before != names.size();) {
                    before = names.size();
                    RETURN_IF_ERROR(ReadRange(tx, range, v1::RESPONSE_VIEW_BASIC, page, [&](const ResponseBytes& row) {
                      names.push_back(fmt::format("{}/{}", row.body, row.inspection));
                      range.after_body = row.body;
                      range.after_inspection = row.inspection;
                      return absl::OkStatus();
                    }));
                  }
                  return absl::OkStatus();
                }),
                IsOk());
    return names;
  }

  // Every change of every part, "part v2 actor"; each can be found from its response.
  std::vector<std::string> History() {
    std::vector<std::string> rows;
    EXPECT_THAT(
        Read([&](db::Transaction& tx) {
          int64_t all = 0;
          RETURN_IF_ERROR(
              tx.Query("SELECT COUNT(*) FROM part_history", {}, [&](const db::Row& row) { all = row.Int64(0); }));
          RETURN_IF_ERROR(tx.Query(
              "WITH RECURSIVE found (id, part) AS (SELECT history, CAST('' AS CHAR(80)) FROM responses UNION ALL "
              "SELECT h.previous, h.part FROM found f JOIN part_history h ON h.id = f.id) "
              "SELECT COUNT(*) FROM found WHERE part <> ''",
              {}, [&](const db::Row& row) { EXPECT_EQ(row.Int64(0), all) << "not all can be found"; }));
          return tx.Query("SELECT part, version, actor, content FROM part_history ORDER BY version, part", {},
                          [&](const db::Row& row) {
                            v1::Response part;
                            EXPECT_TRUE(part.ParseFromString(std::string(row.Text(3))));
                            rows.push_back(fmt::format("{} v{} {}", row.Text(0), row.Int64(1), row.Text(2)));
                          });
        }),
        IsOk());
    return rows;
  }
};

}  // namespace section55::authoring::store
