// The contract of inspection-registry's store, the same on both engines.

#include "services/inspection-registry/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "libs/base/limits.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/plans.h"
#include "registry_schema.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry::store {
namespace {

using section55::testing::EqualsProto;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::Inspection;

class RegistryStoreTest : public section55::testing::OnBothEngines {
 protected:
  RegistryStoreTest() : OnBothEngines({MigrationSchema()}) {}

  absl::Status Write(std::function<absl::Status(db::Transaction&)> body) { return database().Write(body); }

  // Adds a complete report and returns it as stored.
  StoredInspection Add(const std::string& id, const std::string& date, Inspection::State state) {
    StoredInspection stored;
    stored.message = SafeToShare();
    stored.message.set_name("inspections/" + id);
    stored.message.set_state(state);
    stored.message.clear_publication_date();
    if (!date.empty()) {
      auto& day = *stored.message.mutable_publication_date();
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
};

TEST_P(RegistryStoreTest, KeepsForcesAndBodies) {
  rules::Register registered = RegisteredForces();
  registered.forces.resize(3);
  registered.bodies.resize(2);
  registered.forces[0].set_display_name("Heddlu Ŵŷ – “Gwent”");
  EXPECT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                for (const v1::Force& force : registered.forces) {
                  RETURN_IF_ERROR(InsertForce(tx, force));
                }
                for (const v1::Body& body : registered.bodies) {
                  RETURN_IF_ERROR(InsertBody(tx, body));
                }
                return absl::OkStatus();
              }),
              IsOk());
  const auto with_etag = [](auto message) {
    message.set_etag("v1");
    return message;
  };
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const v1::Force force, LoadForce(tx, "avon-and-somerset"));
    EXPECT_THAT(force, EqualsProto(with_etag(registered.forces[0])));
    ASSIGN_OR_RETURN(const v1::Body body, LoadBody(tx, "bedfordshire-pcc"));
    EXPECT_THAT(body, EqualsProto(with_etag(registered.bodies[1])));
    ASSIGN_OR_RETURN(const StoredRegister stored, LoadRegister(tx));
    EXPECT_EQ(stored.all.forces.size(), 3u);
    EXPECT_EQ(stored.all.bodies.size(), 2u);
    EXPECT_THAT(stored.all.bodies[1], EqualsProto(with_etag(registered.bodies[1])));
    EXPECT_EQ(stored.versions.at("forces/bedfordshire"), 1);
    EXPECT_THAT(LoadForce(tx, "bedford"), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(LoadBody(tx, "bedfordshire"), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(LoadForce(tx, "Bedfordshire"), StatusIs(absl::StatusCode::kNotFound)) << "ids have case";
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(RegistryStoreTest, RegistersEachForceAndBodyOnce) {
  const rules::Register registered = RegisteredForces();
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                RETURN_IF_ERROR(InsertForce(tx, registered.forces[0]));
                return InsertBody(tx, registered.bodies[0]);
              }),
              IsOk());
  EXPECT_THAT(Write([&](db::Transaction& tx) { return InsertForce(tx, registered.forces[0]); }),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Write([&](db::Transaction& tx) { return InsertBody(tx, registered.bodies[0]); }),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_P(RegistryStoreTest, SavesForcesAndBodiesOverTheVersionReadOnly) {
  rules::Register registered = RegisteredForces();
  v1::Force& force = registered.forces[0];
  v1::Body& body = registered.bodies[0];
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                RETURN_IF_ERROR(InsertForce(tx, force));
                return InsertBody(tx, body);
              }),
              IsOk());
  force.set_region("Another");
  body.set_place_name("Another");
  int runs = 0;
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                // At first over a version that is not there, then over the right one.
                const int64_t version = ++runs == 1 ? 7 : 1;
                RETURN_IF_ERROR(UpdateForce(tx, force, 1));
                return UpdateBody(tx, body, version);
              }),
              IsOk());
  EXPECT_EQ(runs, 2);
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredRegister stored, LoadRegister(tx));
    EXPECT_EQ(stored.all.forces[0].region(), "Another");
    EXPECT_EQ(stored.all.bodies[0].place_name(), "Another");
    EXPECT_EQ(stored.versions.at(force.name()), 2);
    EXPECT_EQ(stored.versions.at(body.name()), 2);
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(RegistryStoreTest, WhatWasDecidedByTheWholeRegisterIsWrittenWhileItIsTheSame) {
  const auto version = [&] {
    int64_t read = -1;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const StoredRegister stored, LoadRegister(tx));
      read = stored.version;
      return absl::OkStatus();
    }),
                IsOk());
    return read;
  };
  EXPECT_EQ(version(), 0);
  ASSERT_THAT(Write([&](db::Transaction& tx) { return ChangeRegister(tx, 0); }), IsOk());
  EXPECT_EQ(version(), 1);
  ASSERT_THAT(Write([&](db::Transaction& tx) { return HoldRegister(tx, 1); }), IsOk());
  EXPECT_EQ(version(), 1);
  for (const auto late : {ChangeRegister, HoldRegister}) {
    int runs = 0;
    const int64_t now = version();
    EXPECT_THAT(Write([&](db::Transaction& tx) { return late(tx, ++runs == 1 ? now - 1 : now); }), IsOk());
    EXPECT_EQ(runs, 2) << "somebody was faster";
  }
  EXPECT_EQ(version(), 2);
}

TEST_P(RegistryStoreTest, PagesForcesAndBodiesByName) {
  rules::Register registered = RegisteredForces();
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                for (size_t i = 5; i-- > 0;) {
                  RETURN_IF_ERROR(InsertForce(tx, registered.forces[i]));
                  RETURN_IF_ERROR(InsertBody(tx, registered.bodies[i]));
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
    ASSIGN_OR_RETURN(const auto first, ListForces(tx, {}, 2));
    EXPECT_THAT(names(first), ElementsAre("forces/avon-and-somerset", "forces/bedfordshire"));
    ASSIGN_OR_RETURN(const auto rest, ListForces(tx, {"cambridgeshire"}, 9));
    EXPECT_THAT(names(rest), ElementsAre("forces/cheshire", "forces/city-of-london"));
    ASSIGN_OR_RETURN(const auto bodies, ListBodies(tx, {"bedfordshire-pcc"}, 2));
    EXPECT_THAT(names(bodies), ElementsAre("bodies/cambridgeshire-pcc", "bodies/cheshire-pcc"));
    ASSIGN_OR_RETURN(const auto last, ListForces(tx, {"", /*descending=*/true}, 2));
    EXPECT_THAT(names(last), ElementsAre("forces/city-of-london", "forces/cheshire"));
    ASSIGN_OR_RETURN(const auto before, ListBodies(tx, {"cheshire-pcc", /*descending=*/true}, 9));
    EXPECT_THAT(names(before),
                ElementsAre("bodies/cambridgeshire-pcc", "bodies/bedfordshire-pcc", "bodies/avon-and-somerset-pcc"));
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(RegistryStoreTest, KeepsEveryStepOfAReportsLife) {
  const auto revision = [](int number) {
    v1::InspectionRevision step;
    step.set_name(fmt::format("inspections/safe-to-share/revisions/{}", number));
    *step.mutable_inspection() = SafeToShare();
    step.mutable_inspection()->set_name("inspections/safe-to-share");
    step.mutable_inspection()->set_revision(number);
    step.set_reason(fmt::format("Reason {}", number));
    return step;
  };
  for (int number = 1; number <= 5; ++number) {
    ASSERT_THAT(Write([&](db::Transaction& tx) { return InsertRevision(tx, revision(number)); }), IsOk());
  }
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto third, LoadRevision(tx, "safe-to-share", 3));
    EXPECT_THAT(third, EqualsProto(revision(3)));
    EXPECT_THAT(LoadRevision(tx, "safe-to-share", 6), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(LoadRevision(tx, "safe", 1), StatusIs(absl::StatusCode::kNotFound));
    ASSIGN_OR_RETURN(const auto latest, ListRevisions(tx, "safe-to-share", 1000, 2, 1 << 20));
    EXPECT_THAT(latest, ElementsAre(EqualsProto(revision(5)), EqualsProto(revision(4))));
    ASSIGN_OR_RETURN(const auto rest, ListRevisions(tx, "safe-to-share", 4, 9, 1));
    EXPECT_THAT(rest, ElementsAre(EqualsProto(revision(3)))) << "one at least";
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(RegistryStoreTest, ReadsRelationsInBothDirections) {
  Inspection inspection = SafeToShare();
  inspection.set_name("inspections/b");
  inspection.add_relations()->set_kind(v1::Relation::SUPERSEDES);
  inspection.mutable_relations(0)->set_inspection("inspections/a");
  auto& repeats = *inspection.mutable_findings(0)->add_relations();
  repeats.set_kind(v1::FindingRelation::REPEATS);
  repeats.set_finding("inspections/a/findings/recommendation-9");
  const auto relations = [&](auto direction, const Related& one) {
    std::vector<std::string> found;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const auto rows, direction(tx, one, 10));
      for (const RelationRow& row : rows) {
        found.push_back(fmt::format("{}/{} {} {}/{}", row.from.inspection, row.from.finding, row.kind,
                                    row.to.inspection, row.to.finding));
      }
      return absl::OkStatus();
    }),
                IsOk());
    return found;
  };
  ASSERT_THAT(Write([&](db::Transaction& tx) { return ReplaceRelations(tx, inspection); }), IsOk());
  ASSERT_THAT(Write([&](db::Transaction& tx) { return ReplaceRelations(tx, inspection); }), IsOk()) << "once each";
  EXPECT_THAT(relations(RelationsFrom, {"b"}), ElementsAre("b/ 4 a/"));
  EXPECT_THAT(relations(RelationsTo, {"a"}), ElementsAre("b/ 4 a/"));
  EXPECT_THAT(relations(RelationsFrom, {"b", "recommendation-1"}),
              ElementsAre("b/recommendation-1 1 a/recommendation-9"));
  EXPECT_THAT(relations(RelationsTo, {"a", "recommendation-9"}),
              ElementsAre("b/recommendation-1 1 a/recommendation-9"));
  inspection.clear_relations();
  inspection.clear_findings();
  ASSERT_THAT(Write([&](db::Transaction& tx) { return ReplaceRelations(tx, inspection); }), IsOk());
  EXPECT_THAT(relations(RelationsTo, {"a"}), IsEmpty());
  EXPECT_THAT(relations(RelationsTo, {"a", "recommendation-9"}), IsEmpty());
}

TEST_P(RegistryStoreTest, KeepsReports) {
  const StoredInspection stored = Add("safe-to-share", "2020-12-17", Inspection::DRAFT);
  EXPECT_EQ(stored.message.etag(), "v1");
  const auto loaded = Load("safe-to-share");
  ASSERT_THAT(loaded, IsOk());
  EXPECT_THAT(loaded->message, EqualsProto(stored.message));
  EXPECT_EQ(loaded->version, 1);
  EXPECT_THAT(Load("safe"), StatusIs(absl::StatusCode::kNotFound));
  StoredInspection again = stored;
  EXPECT_THAT(Write([&](db::Transaction& tx) { return InsertInspection(tx, again); }),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_P(RegistryStoreTest, TheLargestReportFits) {
  StoredInspection stored;
  stored.message = SafeToShare();
  stored.message.set_name("inspections/large");
  stored.message.mutable_findings(0)->set_text(std::string(base::kLargestReport, 'x'));
  ASSERT_THAT(Write([&](db::Transaction& tx) { return InsertInspection(tx, stored); }), IsOk());
  EXPECT_THAT(Load("large")->message, EqualsProto(stored.message));
}

TEST_P(RegistryStoreTest, SavesOverTheVersionReadOnly) {
  const StoredInspection read = Add("safe-to-share", "2020-12-17", Inspection::DRAFT);
  StoredInspection winner = read;
  winner.message.set_title("Winner");
  ASSERT_THAT(Write([&](db::Transaction& tx) { return UpdateInspection(tx, winner); }), IsOk());
  EXPECT_EQ(winner.version, 2);
  EXPECT_EQ(winner.message.etag(), "v2");
  EXPECT_THAT(Load("safe-to-share")->message, EqualsProto(winner.message));

  // Somebody who read the same version: Write runs the body again, which must read afresh to succeed.
  int runs = 0;
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                StoredInspection late = read;
                if (++runs > 1) {
                  ASSIGN_OR_RETURN(late, LoadInspection(tx, "safe-to-share"));
                }
                late.message.set_url("https://example.org/late");
                return UpdateInspection(tx, late);
              }),
              IsOk());
  EXPECT_EQ(runs, 2);
  const auto loaded = Load("safe-to-share");
  EXPECT_EQ(loaded->message.title(), "Winner");
  EXPECT_EQ(loaded->message.url(), "https://example.org/late");
  EXPECT_EQ(loaded->version, 3);
}

TEST_P(RegistryStoreTest, PagesReportsByNameAsFarAsTheyFit) {
  for (const char* id : {"c", "a", "b", "a-1"}) {
    Add(id, "2020-12-17", Inspection::PUBLISHED);
  }
  const size_t size = Load("a")->message.ByteSizeLong();
  const auto page = [&](std::string_view after, int limit, size_t bytes) {
    std::vector<std::string> names;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      section55::testing::ExplainingTransaction explaining(tx, database().engine());
      ASSIGN_OR_RETURN(const auto reports, ListInspectionsByName(explaining, after, limit, bytes));
      for (const Inspection& report : reports) {
        names.push_back(report.name());
      }
      return absl::OkStatus();
    }),
                IsOk());
    return names;
  };
  EXPECT_THAT(page("", 10, 100 * size),
              ElementsAre("inspections/a", "inspections/a-1", "inspections/b", "inspections/c"));
  EXPECT_THAT(page("a", 2, 100 * size), ElementsAre("inspections/a-1", "inspections/b"));
  EXPECT_THAT(page("a-1", 10, 1), ElementsAre("inspections/b")) << "one at least";
  EXPECT_THAT(page("c", 10, 100 * size), IsEmpty());
}

TEST_P(RegistryStoreTest, DamageIsDataLossAndIsFound) {
  const StoredInspection stored = Add("safe-to-share", "2020-12-17", Inspection::PUBLISHED);
  Add("whole", "2020-12-17", Inspection::PUBLISHED);
  const auto damage = [&](std::string_view bytes) {
    return Write([&](db::Transaction& tx) {
      return tx
          .Execute("UPDATE inspections SET content = ?, checksum = ? WHERE inspection = ?",
                   {db::Bytes{bytes}, db::ChecksumOf("another"), "safe-to-share"})
          .status();
    });
  };
  const std::string half = stored.message.SerializeAsString().substr(0, 100);
  ASSERT_THAT(damage(half), IsOk());
  EXPECT_THAT(Load("safe-to-share"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Load("whole"), IsOk());
  EXPECT_THAT(database().Read([&](db::Transaction& tx) { return ListInspectionsByName(tx, "", 10, 1 << 20).status(); }),
              StatusIs(absl::StatusCode::kDataLoss));
  std::vector<db::Damage> found;
  for (const db::MessageTable* table : Tables()) {
    EXPECT_THAT(database().Read([&](db::Transaction& tx) {
      std::vector<std::string> after;
      return table->Check(tx, after, 100, found).status();
    }),
                IsOk());
  }
  ASSERT_THAT(found, ::testing::SizeIs(1));
  EXPECT_EQ(found[0].table, "inspections");
  EXPECT_EQ(found[0].key, "safe-to-share");
}

SECTION55_ON_BOTH_ENGINES(RegistryStoreTest);

}  // namespace
}  // namespace section55::registry::store
