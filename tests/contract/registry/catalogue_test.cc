// The contract of the catalogue that lists and searches go by, the same on both engines.
#include "services/inspection-registry/catalogue.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/plans.h"
#include "registry_schema.h"
#include "services/inspection-registry/catalogue_keeper.h"
#include "services/inspection-registry/store.h"

namespace section55::registry::store {
namespace {

using section55::testing::IsOk;
using section55::testing::SearchesAnIndex;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v1::Inspection;

class CatalogueTest : public section55::testing::OnBothEngines {
 protected:
  CatalogueTest() : OnBothEngines({MigrationSchema()}) {}

  static StoredInspection Report(const std::string& id, absl::CivilDay day, int findings) {
    StoredInspection stored;
    Inspection& report = stored.message;
    report.set_name("inspections/" + id);
    report.set_title("Report " + id);
    report.set_state(Inspection::PUBLISHED);
    *report.mutable_publication_date() = base::ToProtoDate(day);
    for (int i = 0; i < findings; ++i) {
      v1::Finding& finding = *report.add_findings();
      finding.set_id(fmt::format("recommendation-{}", i + 1));
      finding.set_kind(v1::Finding::RECOMMENDATION);
      finding.set_text(fmt::format("Do what {} says.", id));
    }
    return stored;
  }

  void Add(std::vector<StoredInspection> reports) {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
      for (const StoredInspection& report : reports) {
        StoredInspection row = report;
        RETURN_IF_ERROR(InsertInspection(tx, row));
      }
      return absl::OkStatus();
    }),
                IsOk());
  }

  // The names of findings with these words, as an index of all of them has it.
  std::vector<std::string> Findings(const std::string& words) {
    std::vector<std::string> names;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      names.clear();
      ASSIGN_OR_RETURN(const auto places, FindingWords().Find(tx, {.terms = search::ParseTerms(words), .limit = 1000}));
      for (const search::Place& place : places) {
        ASSIGN_OR_RETURN(const auto finding, FindingAt(tx, place.position));
        names.push_back(finding ? finding->name() : "(nothing)");
      }
      return absl::OkStatus();
    }),
                IsOk());
    return names;
  }

  int64_t Count(std::string_view sql) {
    int64_t count = -1;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) {
      return tx.Query(sql, {}, [&](const db::Row& row) { count = row.Int64(0); });
    }),
                IsOk());
    return count;
  }
};

TEST_P(CatalogueTest, ReportsOfOneDayHavePlacesOfTheirOwn) {
  std::vector<StoredInspection> reports;
  for (int i = 0; i < 300; ++i) {
    reports.push_back(Report(fmt::format("r{}", i), absl::CivilDay(2020, 12, 17), 2));
  }
  Add(reports);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM listed_inspections"), 300);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM listed_findings"), 600);
  EXPECT_THAT(Findings("r17"),
              ElementsAre("inspections/r17/findings/recommendation-1", "inspections/r17/findings/recommendation-2"));
}

TEST_P(CatalogueTest, OnlyWhatHasChangedIsEnteredAnew) {
  Add({Report("a", absl::CivilDay(2020, 12, 17), 3)});
  const auto change = [&](std::function<void(Inspection&)> how) {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(StoredInspection stored, LoadInspection(tx, "a"));
      how(stored.message);
      return UpdateInspection(tx, stored);
    }),
                IsOk());
  };
  // Marked, so that a row that is left alone is known.
  ASSERT_THAT(database().Write([&](db::Transaction& tx) {
    return tx.Execute("UPDATE listed_findings SET version = 7", {}).status();
  }),
              IsOk());
  change([](Inspection& report) { report.mutable_findings(1)->set_text("Something else."); });
  EXPECT_EQ(Count("SELECT COUNT(*) FROM listed_findings WHERE version = 7"), 2);
  EXPECT_THAT(Findings("something else"), ElementsAre("inspections/a/findings/recommendation-2"));
  change([](Inspection& report) { report.mutable_findings()->RemoveLast(); });
  EXPECT_EQ(Count("SELECT COUNT(*) FROM listed_findings"), 2);
  // Another day is another place for all of them.
  change([](Inspection& report) { report.mutable_publication_date()->set_year(2021); });
  EXPECT_EQ(Count("SELECT COUNT(*) FROM listed_findings WHERE version = 7"), 0);
  EXPECT_THAT(Findings("do"), ElementsAre("inspections/a/findings/recommendation-1"));
  change([](Inspection& report) { report.set_state(Inspection::WITHDRAWN); });
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto catalogued, FindCatalogued(tx, "a"));
    EXPECT_EQ(catalogued->state, Inspection::WITHDRAWN);
    ASSIGN_OR_RETURN(const auto finding, FindingAt(tx, catalogued->findings.highest));
    EXPECT_EQ(finding->inspection_state(), Inspection::WITHDRAWN);
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(CatalogueTest, WhatWasSavedBeforeThereWasOneIsEntered) {
  std::vector<StoredInspection> reports;
  for (int i = 0; i < 150; ++i) {
    reports.push_back(Report(fmt::format("r{}", i), absl::CivilDay(2020, 12, 1 + i % 30), 1));
  }
  Add(reports);
  ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    for (const char* sql : {"DELETE FROM listed_inspections WHERE inspection <> 'r7'",
                            "DELETE FROM listed_findings WHERE inspection <> 'r7'"}) {
      RETURN_IF_ERROR(tx.Execute(sql, {}).status());
    }
    return tx.Execute("DELETE FROM finding_words", {}).status();
  }),
              IsOk());
  ASSERT_THAT(
      database().Write([&](db::Transaction& tx) { return tx.Execute("DELETE FROM inspection_words", {}).status(); }),
      IsOk());
  EXPECT_THAT(FillCatalogue(database(), [] { return false; }), IsOk());
  EXPECT_EQ(Count("SELECT COUNT(*) FROM listed_inspections"), 150);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM inspection_words"), 149) << "r7 was left alone";
  EXPECT_THAT(Findings("r149"), ElementsAre("inspections/r149/findings/recommendation-1"));
  EXPECT_THAT(FillCatalogue(database(), [] { return false; }), IsOk());
  EXPECT_EQ(Count("SELECT COUNT(*) FROM listed_inspections"), 150);
}

TEST_P(CatalogueTest, NoQueryScans) {
  std::vector<StoredInspection> reports;
  for (int i = 0; i < 2000; ++i) {
    reports.push_back(Report(fmt::format("report-{}", i), absl::CivilDay(2001, 1, 1) + i, 2));
  }
  Add(reports);
  for (const char* table : {"inspections", "listed_inspections", "listed_findings"}) {
    section55::testing::UpdateStatistics(database(), table);
  }
  EXPECT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    section55::testing::ExplainingTransaction explaining(tx, database().engine());
    ASSIGN_OR_RETURN(const auto catalogued, FindCatalogued(explaining, "report-1000"));
    RETURN_IF_ERROR(FindingAt(explaining, catalogued->findings.highest).status());
    RETURN_IF_ERROR(InspectionAt(explaining, catalogued->findings.highest + 1).status());
    RETURN_IF_ERROR(ListInspectionsByName(explaining, "report-1000", 10, 1 << 20).status());
    // What saving a report reads.
    ASSIGN_OR_RETURN(StoredInspection stored, LoadInspection(explaining, "report-1000"));
    RETURN_IF_ERROR(UpdateInspection(explaining, stored));
    EXPECT_GE(explaining.queries(), 8);
    EXPECT_THAT(explaining.plans(), Each(SearchesAnIndex()));
    return absl::OkStatus();
  }),
              IsOk());
}

SECTION55_ON_BOTH_ENGINES(CatalogueTest);

}  // namespace
}  // namespace section55::registry::store
