// The contract of inspection-registry's store, the same on both engines.

#include "services/inspection-registry/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "registry_schema.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry::store {
namespace {

using section55::testing::EqualsProto;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::Inspection;

// Hands everything on and remembers the SELECTs.
class RecordingTransaction : public db::Transaction {
 public:
  explicit RecordingTransaction(db::Transaction& tx) : tx_(tx) {}

  absl::StatusOr<int64_t> Execute(std::string_view sql, absl::Span<const db::Value> values) override {
    return tx_.Execute(sql, values);
  }
  absl::Status Query(std::string_view sql, absl::Span<const db::Value> values,
                     absl::FunctionRef<void(const db::Row&)> each) override {
    // The plan is asked for with the same values.
    RETURN_IF_ERROR(tx_.Query(fmt::format("EXPLAIN QUERY PLAN {}", sql), values,
                              [&](const db::Row& row) { plans_.emplace_back(row.Text(3)); }));
    return tx_.Query(sql, values, each);
  }
  absl::Status Conflict() override { return tx_.Conflict(); }
  void AfterCommit(std::function<void()> then) override { tx_.AfterCommit(std::move(then)); }

  const std::vector<std::string>& plans() const { return plans_; }

 private:
  db::Transaction& tx_;
  std::vector<std::string> plans_;
};

class RegistryStoreTest : public section55::testing::OnBothEngines {
 protected:
  RegistryStoreTest() : OnBothEngines({MigrationSchema()}) {}

  absl::Status Write(std::function<absl::Status(db::Transaction&)> body) { return database().Write(body); }

  // Adds a complete report and returns it as stored.
  StoredInspection Add(const std::string& id, const std::string& date, Inspection::State state) {
    StoredInspection stored;
    stored.inspection = SafeToShare();
    stored.inspection.set_name("inspections/" + id);
    stored.inspection.set_state(state);
    stored.inspection.clear_publication_date();
    if (!date.empty()) {
      auto& day = *stored.inspection.mutable_publication_date();
      day.set_year(std::stoi(date.substr(0, 4)));
      day.set_month(std::stoi(date.substr(5, 2)));
      day.set_day(date.size() > 7 ? std::stoi(date.substr(8)) : 0);
    }
    EXPECT_THAT(Write([&](db::Transaction& tx) { return InsertInspection(tx, stored); }), IsOk());
    return stored;
  }

  absl::StatusOr<StoredInspection> Load(const std::string& id) {
    absl::StatusOr<StoredInspection> loaded = absl::UnknownError("not run");
    const absl::Status status = database().Read([&](db::Transaction& tx) {
      loaded = LoadInspection(tx, id);
      return absl::OkStatus();
    });
    EXPECT_THAT(status, IsOk());
    return loaded;
  }

  InspectionPage List(const InspectionQuery& query) {
    InspectionPage page;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(page, ListInspections(tx, query));
      return absl::OkStatus();
    }),
                IsOk());
    return page;
  }

  // All pages of a list, one after the other: the names without their collection.
  std::vector<std::string> Walk(InspectionQuery query) {
    std::vector<std::string> ids;
    for (bool more = true; more;) {
      const InspectionPage page = List(query);
      more = page.more;
      EXPECT_LE(page.inspections.size(), static_cast<size_t>(query.limit));
      EXPECT_FALSE(page.inspections.empty() && page.more);
      for (const Inspection& inspection : page.inspections) {
        ids.push_back(inspection.name().substr(sizeof("inspections/") - 1));
      }
      if (page.more) {
        query.after_date = rules::PublicationDateText(page.inspections.back());
        query.after_inspection = ids.back();
      }
    }
    return ids;
  }

  static InspectionQuery Query(bool with_drafts, int limit) {
    InspectionQuery query;
    query.with_drafts = with_drafts;
    query.limit = limit;
    query.max_bytes = 1 << 20;
    return query;
  }
};

TEST_P(RegistryStoreTest, KeepsForcesAndBodies) {
  auto registered = RegisteredForces();
  registered.resize(3);
  registered[2].body.reset();
  registered[0].force.set_display_name("Heddlu Ŵŷ – “Gwent”");
  for (auto& area : registered) {
    EXPECT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                  RETURN_IF_ERROR(InsertForce(tx, area.force));
                  return area.body ? InsertBody(tx, *area.body) : absl::OkStatus();
                }),
                IsOk());
    EXPECT_EQ(area.force.etag(), "v1");
  }
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const v1::Force force, LoadForce(tx, "avon-and-somerset"));
    EXPECT_THAT(force, EqualsProto(registered[0].force));
    ASSIGN_OR_RETURN(const v1::Body body, LoadBody(tx, "bedfordshire-pcc"));
    EXPECT_THAT(body, EqualsProto(*registered[1].body));
    ASSIGN_OR_RETURN(const auto all, ListForcesAndBodies(tx));
    EXPECT_EQ(all.size(), 3u);
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_THAT(all[i].force, EqualsProto(registered[i].force));
      EXPECT_EQ(all[i].body.has_value(), i < 2);
    }
    EXPECT_THAT(*all[1].body, EqualsProto(*registered[1].body));
    EXPECT_THAT(LoadForce(tx, "bedford"), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(LoadBody(tx, "bedfordshire"), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(LoadForce(tx, "Bedfordshire"), StatusIs(absl::StatusCode::kNotFound)) << "ids have case";
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(RegistryStoreTest, RegistersEachForceAndBodyOnceAndOneBodyPerForce) {
  auto registered = RegisteredForces();
  registered.resize(2);
  v1::Body& first = *registered[0].body;
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                RETURN_IF_ERROR(InsertForce(tx, registered[0].force));
                RETURN_IF_ERROR(InsertForce(tx, registered[1].force));
                return InsertBody(tx, first);
              }),
              IsOk());
  EXPECT_THAT(Write([&](db::Transaction& tx) { return InsertForce(tx, registered[0].force); }),
              StatusIs(absl::StatusCode::kAlreadyExists));
  v1::Body same_name = *registered[1].body;
  same_name.set_name(first.name());
  EXPECT_THAT(Write([&](db::Transaction& tx) { return InsertBody(tx, same_name); }),
              StatusIs(absl::StatusCode::kAlreadyExists));
  v1::Body same_force = *registered[1].body;
  same_force.set_force(first.force());
  EXPECT_THAT(Write([&](db::Transaction& tx) { return InsertBody(tx, same_force); }),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("FORCE_HAS_BODY")));
  // The index holds the promise, whatever the code above it forgets.
  EXPECT_THAT(Write([&](db::Transaction& tx) {
                return tx
                    .Execute("INSERT INTO bodies (body, force_id, version, content) VALUES (?, ?, ?, ?)",
                             {"another", "avon-and-somerset", 1, db::Bytes{""}})
                    .status();
              }),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_P(RegistryStoreTest, PagesForcesAndBodiesByName) {
  auto registered = RegisteredForces();
  registered.resize(5);
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                for (auto one = registered.rbegin(); one != registered.rend(); ++one) {
                  RETURN_IF_ERROR(InsertForce(tx, one->force));
                  RETURN_IF_ERROR(InsertBody(tx, *one->body));
                }
                return absl::OkStatus();
              }),
              IsOk());
  const auto names = [](const auto& items) {
    std::vector<std::string> result;
    for (const auto& item : items) {
      result.push_back(item.name());
    }
    return result;
  };
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto first, ListForces(tx, "", 2));
    EXPECT_THAT(names(first), ElementsAre("forces/avon-and-somerset", "forces/bedfordshire"));
    ASSIGN_OR_RETURN(const auto rest, ListForces(tx, "cambridgeshire", 9));
    EXPECT_THAT(names(rest), ElementsAre("forces/cheshire", "forces/city-of-london"));
    ASSIGN_OR_RETURN(const auto bodies, ListBodies(tx, "bedfordshire-pcc", 2));
    EXPECT_THAT(names(bodies), ElementsAre("bodies/cambridgeshire-pcc", "bodies/cheshire-pcc"));
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(RegistryStoreTest, KeepsReports) {
  const StoredInspection stored = Add("safe-to-share", "2020-12-17", Inspection::DRAFT);
  EXPECT_EQ(stored.inspection.etag(), "v1");
  const auto loaded = Load("safe-to-share");
  ASSERT_THAT(loaded, IsOk());
  EXPECT_THAT(loaded->inspection, EqualsProto(stored.inspection));
  EXPECT_EQ(loaded->version, 1);
  EXPECT_THAT(Load("safe"), StatusIs(absl::StatusCode::kNotFound));
  StoredInspection again = stored;
  EXPECT_THAT(Write([&](db::Transaction& tx) { return InsertInspection(tx, again); }),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_P(RegistryStoreTest, ATwoMegabyteReportFits) {
  StoredInspection stored;
  stored.inspection = SafeToShare();
  stored.inspection.set_name("inspections/large");
  stored.inspection.mutable_findings(0)->set_text(std::string(rules::kLargestInspection, 'x'));
  ASSERT_THAT(Write([&](db::Transaction& tx) { return InsertInspection(tx, stored); }), IsOk());
  EXPECT_THAT(Load("large")->inspection, EqualsProto(stored.inspection));
}

TEST_P(RegistryStoreTest, SavesOverTheVersionReadOnly) {
  const StoredInspection read = Add("safe-to-share", "2020-12-17", Inspection::DRAFT);
  StoredInspection winner = read;
  winner.inspection.set_title("Winner");
  ASSERT_THAT(Write([&](db::Transaction& tx) { return UpdateInspection(tx, winner); }), IsOk());
  EXPECT_EQ(winner.version, 2);
  EXPECT_EQ(winner.inspection.etag(), "v2");
  EXPECT_THAT(Load("safe-to-share")->inspection, EqualsProto(winner.inspection));

  // Somebody who read the same version: Write runs the body again, which must read afresh to succeed.
  int runs = 0;
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                StoredInspection late = read;
                if (++runs > 1) {
                  ASSIGN_OR_RETURN(late, LoadInspection(tx, "safe-to-share"));
                }
                late.inspection.set_url("https://example.org/late");
                return UpdateInspection(tx, late);
              }),
              IsOk());
  EXPECT_EQ(runs, 2);
  const auto loaded = Load("safe-to-share");
  EXPECT_EQ(loaded->inspection.title(), "Winner");
  EXPECT_EQ(loaded->inspection.url(), "https://example.org/late");
  EXPECT_EQ(loaded->version, 3);
}

TEST_P(RegistryStoreTest, ListsTheLatestFirstThenByNameAndUndatedDraftsLast) {
  Add("undated-b", "", Inspection::DRAFT);
  Add("undated-a", "", Inspection::DRAFT);
  Add("month", "2021-03", Inspection::DRAFT);
  Add("march", "2021-03-01", Inspection::PUBLISHED);
  Add("b", "2020-12-17", Inspection::PUBLISHED);
  Add("c", "2020-12-17", Inspection::DRAFT);
  Add("a", "2020-12-17", Inspection::PUBLISHED);
  Add("a-1", "2020-12-17", Inspection::PUBLISHED);
  Add("newest", "2024-02-29", Inspection::PUBLISHED);
  Add("oldest", "0987-01-01", Inspection::PUBLISHED);
  for (int limit = 1; limit <= 11; ++limit) {
    EXPECT_THAT(Walk(Query(true, limit)),
                ElementsAre("newest", "march", "month", "a", "a-1", "b", "c", "oldest", "undated-a", "undated-b"))
        << limit;
    EXPECT_THAT(Walk(Query(false, limit)), ElementsAre("newest", "march", "a", "a-1", "b", "oldest")) << limit;
  }
}

TEST_P(RegistryStoreTest, ListsMoreThanOnePortion) {
  std::vector<std::string> expected;
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                expected.clear();
                for (int i = 0; i < 70; ++i) {
                  StoredInspection stored;
                  stored.inspection = SafeToShare();
                  expected.push_back(fmt::format("report-{:02}", i));
                  stored.inspection.set_name("inspections/" + expected.back());
                  stored.inspection.set_state(Inspection::PUBLISHED);
                  RETURN_IF_ERROR(InsertInspection(tx, stored));
                }
                return absl::OkStatus();
              }),
              IsOk());
  for (const int limit : {31, 32, 33, 64, 69, 70, 71}) {
    EXPECT_EQ(Walk(Query(false, limit)), expected) << limit;
  }
}

TEST_P(RegistryStoreTest, APageHasAtMostSoManyBytesAndAtLeastOneReport) {
  for (const char* id : {"a", "b", "c"}) {
    Add(id, "2020-12-17", Inspection::PUBLISHED);
  }
  const size_t size = Load("a")->inspection.ByteSizeLong();
  InspectionQuery query = Query(false, 10);
  query.max_bytes = 2 * size;
  EXPECT_EQ(List(query).inspections.size(), 2u);
  query.max_bytes = 1;
  EXPECT_EQ(List(query).inspections.size(), 1u);
  EXPECT_THAT(Walk(query), ElementsAre("a", "b", "c"));
}

TEST_P(RegistryStoreTest, ListsReadAnIndexInItsOrder) {
  if (GetParam() != db::Engine::kSqlite) {
    GTEST_SKIP() << "MariaDB's plans depend on how much is stored";
  }
  Add("a", "2020-12-17", Inspection::PUBLISHED);
  for (const bool with_drafts : {false, true}) {
    InspectionQuery query = Query(with_drafts, 10);
    query.after_date = "2020-12-17";
    query.after_inspection = "0";
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      RecordingTransaction recording(tx);
      RETURN_IF_ERROR(ListInspections(recording, query).status());
      EXPECT_THAT(recording.plans(), ::testing::SizeIs(2));
      EXPECT_THAT(recording.plans(), ::testing::Each(::testing::StartsWith("SEARCH inspections USING INDEX")));
      return absl::OkStatus();
    }),
                IsOk());
  }
}

SECTION55_ON_BOTH_ENGINES(RegistryStoreTest);

}  // namespace
}  // namespace section55::registry::store
