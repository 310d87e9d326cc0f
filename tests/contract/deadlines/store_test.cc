// What both engines promise to deadline-scheduler.
#include "services/deadline-scheduler/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "deadlines_schema.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/plans.h"

namespace section55::deadlines::store {
namespace {

using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreTest : public section55::testing::OnBothEngines {
 protected:
  StoreTest() : OnBothEngines({MigrationSchema()}) {}

  absl::Status Write(db::Body body) { return database().Write(body); }

  // Inserts a deadline that is due on a day of January 2021.
  void Add(const std::string& body, const std::string& inspection, int day,
           v1::Deadline::State state = v1::Deadline::PENDING) {
    StoredDeadline stored;
    stored.message.set_name(rules::DeadlineName({body, inspection}));
    stored.message.set_inspection_title("Llŷn — “Safe to share?”");
    *stored.message.mutable_due_date() = base::ToProtoDate(absl::CivilDay(2021, 1, day));
    stored.message.set_state(state);
    ASSERT_THAT(Write([&](db::Transaction& tx) { return InsertDeadline(tx, stored); }), IsOk());
  }

  // Of 43 bodies to 70 reports, one more each day; one in fifty is pending.
  void AddMany() {
    ASSERT_THAT(
        Write([&](db::Transaction& tx) -> absl::Status {
          for (int i = 0; i < 3000; ++i) {
            StoredDeadline stored;
            stored.message.set_name(rules::DeadlineName({fmt::format("body-{}", i % 43), fmt::format("r-{}", i / 43)}));
            stored.message.set_inspection_title(std::string(100, 'x'));
            *stored.message.mutable_due_date() = base::ToProtoDate(absl::CivilDay(2021, 1, 1) + i / 43);
            stored.message.set_state(i % 50 == 0 ? v1::Deadline::PENDING : v1::Deadline::MET);
            RETURN_IF_ERROR(InsertDeadline(tx, stored));
          }
          return absl::OkStatus();
        }),
        IsOk());
  }

  StoredDeadline Load(const DeadlineId& id) {
    StoredDeadline stored;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(stored, LoadDeadline(tx, id));
      return absl::OkStatus();
    }),
                IsOk());
    return stored;
  }

  // The names on a page without the words that all have: "norfolk-pcc/safe-to-share".
  std::vector<std::string> List(const DeadlineQuery& query) {
    std::vector<std::string> names;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      names.clear();
      ASSIGN_OR_RETURN(const auto found, ListDeadlines(tx, query));
      for (const StoredDeadline& stored : found) {
        const DeadlineKey key = KeyOf(stored.message);
        names.push_back(key.id.body + "/" + key.id.inspection);
      }
      return absl::OkStatus();
    }),
                IsOk());
    return names;
  }
};

absl::Time January(int day) { return absl::FromCivil(absl::CivilDay(2021, 1, day), absl::UTCTimeZone()); }

DeadlineQuery All() {
  DeadlineQuery query;
  query.everything = true;
  query.limit = 100;
  return query;
}

TEST_P(StoreTest, GivesBackWhatWasSaved) {
  Add("norfolk-pcc", "safe-to-share", 10);
  const StoredDeadline stored = Load({"norfolk-pcc", "safe-to-share"});
  EXPECT_EQ(stored.version, 1);
  EXPECT_EQ(stored.message.etag(), base::EtagOf(1));
  EXPECT_EQ(stored.message.inspection_title(), "Llŷn — “Safe to share?”");
  EXPECT_THAT(database().Read([](db::Transaction& tx) {
    return LoadDeadline(tx, {"suffolk-pcc", "safe-to-share"}).status();
  }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(StoreTest, RefusesASecondOneAndGoesOn) {
  Add("norfolk-pcc", "safe-to-share", 10);
  const absl::Status status = Write([&](db::Transaction& tx) -> absl::Status {
    StoredDeadline again;
    again.message.set_name("bodies/norfolk-pcc/deadlines/safe-to-share");
    again.message.set_inspection_title("Another");
    EXPECT_THAT(InsertDeadline(tx, again), StatusIs(absl::StatusCode::kAlreadyExists));
    return SaveBody(tx, "norfolk-pcc", "norfolk");
  });
  EXPECT_THAT(status, IsOk());
  EXPECT_EQ(Load({"norfolk-pcc", "safe-to-share"}).message.inspection_title(), "Llŷn — “Safe to share?”");
}

TEST_P(StoreTest, SavesOnlyOverTheVersionThatWasRead) {
  Add("norfolk-pcc", "safe-to-share", 10);
  const StoredDeadline before = Load({"norfolk-pcc", "safe-to-share"});
  const auto set_title = [](db::Transaction& tx, StoredDeadline stored, const std::string& title) {
    stored.message.set_inspection_title(title);
    const absl::Status status = UpdateDeadline(tx, stored);
    EXPECT_TRUE(!status.ok() || stored.message.etag() == base::EtagOf(stored.version));
    return status;
  };
  ASSERT_THAT(Write([&](db::Transaction& tx) { return set_title(tx, before, "Somebody else's"); }), IsOk());
  int runs = 0;
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                if (++runs == 1) {
                  return set_title(tx, before, "Lost");
                }
                ASSIGN_OR_RETURN(StoredDeadline fresh, LoadDeadline(tx, {"norfolk-pcc", "safe-to-share"}));
                EXPECT_EQ(fresh.message.inspection_title(), "Somebody else's");
                return set_title(tx, fresh, "Mine");
              }),
              IsOk());
  EXPECT_EQ(runs, 2);
  const StoredDeadline after = Load({"norfolk-pcc", "safe-to-share"});
  EXPECT_EQ(after.version, 3);
  EXPECT_EQ(after.message.inspection_title(), "Mine");
}

TEST_P(StoreTest, ListsTheEarliestFirstThenByBodyAndInspection) {
  Add("suffolk-pcc", "b", 10);
  Add("norfolk-pcc", "z", 20);
  Add("norfolk-pcc", "c", 10);
  Add("norfolk-pcc", "a", 10);
  Add("essex-pfcc", "y", 5);
  EXPECT_THAT(List(All()),
              ElementsAre("essex-pfcc/y", "norfolk-pcc/a", "norfolk-pcc/c", "suffolk-pcc/b", "norfolk-pcc/z"));
}

// What a list must show, found without an index: the keys of `all` that match, in order.
std::vector<DeadlineKey> Expected(const std::vector<v1::Deadline>& all, const DeadlineQuery& query) {
  std::vector<DeadlineKey> keys;
  for (const v1::Deadline& deadline : all) {
    const DeadlineKey key = KeyOf(deadline);
    const bool of_body =
        query.everything || std::find(query.bodies.begin(), query.bodies.end(), key.id.body) != query.bodies.end();
    if (of_body && (!query.state || deadline.state() == *query.state) &&
        (query.inspection.empty() || key.id.inspection == query.inspection) && key.missed_from >= query.earliest &&
        key.missed_from <= query.latest) {
      keys.push_back(key);
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

TEST_P(StoreTest, EveryListPagesWithoutGapOrRepeat) {
  std::vector<v1::Deadline> all;
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                all.clear();
                for (const std::string body : {"a", "b", "c", "d"}) {
                  for (int i = 0; i < 12; ++i) {
                    StoredDeadline stored;
                    stored.message.set_name(rules::DeadlineName({body, fmt::format("report-{:02}", i * 7 % 12)}));
                    *stored.message.mutable_due_date() = base::ToProtoDate(absl::CivilDay(2021, 1, 1 + i / 4));
                    stored.message.set_state(static_cast<v1::Deadline::State>(1 + (i + body[0]) % 3));
                    RETURN_IF_ERROR(InsertDeadline(tx, stored));
                    all.push_back(stored.message);
                  }
                }
                return absl::OkStatus();
              }),
              IsOk());
  const int64_t second = base::ToMicros(January(3));  // due on the 2nd
  for (const std::vector<std::string>& bodies :
       std::vector<std::vector<std::string>>{{}, {"b"}, {"a", "c"}, {"c", "d", "nobody"}, {"*"}}) {
    for (const int state : {0, 1, 2, 3}) {
      for (const std::string inspection : {"", "report-05"}) {
        for (const auto& [earliest, latest] : std::vector<std::pair<int64_t, int64_t>>{
                 {INT64_MIN, INT64_MAX}, {second, second}, {second + 1, INT64_MAX}, {INT64_MIN, second - 1}}) {
          for (const int limit : {1, 5, 100}) {
            DeadlineQuery query;
            query.everything = bodies == std::vector<std::string>{"*"};
            query.bodies = query.everything ? std::vector<std::string>() : bodies;
            if (state > 0) {
              query.state = static_cast<v1::Deadline::State>(state);
            }
            query.inspection = inspection;
            query.earliest = earliest;
            query.latest = latest;
            query.limit = limit;
            const std::vector<DeadlineKey> expected = Expected(all, query);
            std::vector<DeadlineKey> seen;
            ASSERT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
              for (bool more = true; more && seen.size() <= expected.size();) {
                ASSIGN_OR_RETURN(const auto page, ListDeadlines(tx, query));
                for (const StoredDeadline& stored : page) {
                  seen.push_back(KeyOf(stored.message));
                }
                more = page.size() == static_cast<size_t>(limit);
                if (more) {
                  query.after = seen.back();
                }
              }
              return absl::OkStatus();
            }),
                        IsOk());
            ASSERT_TRUE(seen == expected) << ::testing::PrintToString(bodies) << state << inspection << limit;
          }
        }
      }
    }
  }
}

TEST_P(StoreTest, ListsSearchAnIndexOnly) {
  AddMany();
  section55::testing::UpdateStatistics(database(), "deadlines");
  for (const bool everything : {false, true}) {
    for (const bool with_state : {false, true}) {
      for (const std::string inspection : {"", "r-7"}) {
        for (const bool later_page : {false, true}) {
          DeadlineQuery query;
          query.everything = everything;
          query.bodies = {"body-7", "body-8"};
          if (with_state) {
            query.state = v1::Deadline::PENDING;
          }
          query.inspection = inspection;
          query.limit = 10;
          if (later_page) {
            query.after = DeadlineKey{base::ToMicros(January(20)), {"body-7", "r-18"}};
          }
          EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
            section55::testing::ExplainingTransaction explaining(tx, database().engine());
            RETURN_IF_ERROR(ListDeadlines(explaining, query).status());
            EXPECT_THAT(explaining.plans(), ::testing::Not(IsEmpty()));
            EXPECT_THAT(explaining.plans(), ::testing::Each(section55::testing::SearchesAnIndex()))
                << everything << with_state << inspection << later_page;
            return absl::OkStatus();
          }),
                      IsOk());
        }
      }
    }
  }
}

// Not from the first of all its deadlines on, which become ever more.
TEST_P(StoreTest, AListFromADayOnBeginsAtThatDay) {
  if (GetParam() != db::Engine::kSqlite) {
    // As when what MariaDB knows of the table lags behind.
    ASSERT_THAT(Write([](db::Transaction& tx) {
                  return tx.Execute("ALTER TABLE deadlines STATS_AUTO_RECALC = 0", {}).status();
                }),
                IsOk());
  }
  AddMany();
  for (const bool everything : {false, true}) {
    for (const auto& state : std::initializer_list<std::optional<v1::Deadline::State>>{
             std::nullopt, v1::Deadline::PENDING, v1::Deadline::MET}) {
      for (const bool later_page : {false, true}) {
        DeadlineQuery query;
        query.everything = everything;
        query.bodies = {"body-7"};
        query.state = state;
        query.limit = 10;
        query.earliest = base::ToMicros(January(20));
        if (later_page) {
          query.after = DeadlineKey{base::ToMicros(January(31)), {"body-6", "r-18"}};
        }
        EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
          section55::testing::ExplainingTransaction explaining(tx, database().engine());
          ASSIGN_OR_RETURN(const auto found, ListDeadlines(explaining, query));
          EXPECT_THAT(explaining.plans(), ::testing::Not(IsEmpty()));
          // The last: before it stands what is left of the instant at which the last page ended.
          EXPECT_THAT(explaining.plans().back(),
                      ::testing::AnyOf(::testing::HasSubstr("missed_from>? AND missed_from<?"),
                                       ::testing::StartsWith("range deadlines_by_")))
              << everything << " " << state.value_or(v1::Deadline::STATE_UNSPECIFIED) << " " << later_page;
          return absl::OkStatus();
        }),
                    IsOk());
      }
    }
  }
}

TEST_P(StoreTest, FindsTheBodiesOfAForce) {
  ASSERT_THAT(Write([](db::Transaction& tx) -> absl::Status {
                RETURN_IF_ERROR(SaveBody(tx, "suffolk-pcc", "norfolk"));
                RETURN_IF_ERROR(SaveBody(tx, "suffolk-pcc", "suffolk"));  // a repeat replaces
                return SaveBody(tx, "norfolk-pcc", "norfolk");
              }),
              IsOk());
  EXPECT_THAT(database().Read([](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto norfolks, BodiesOf(tx, "norfolk"));
    EXPECT_THAT(norfolks, ElementsAre("norfolk-pcc"));
    ASSIGN_OR_RETURN(const auto suffolks, BodiesOf(tx, "suffolk"));
    EXPECT_THAT(suffolks, ElementsAre("suffolk-pcc"));
    ASSIGN_OR_RETURN(const auto kents, BodiesOf(tx, "kent"));
    EXPECT_THAT(kents, IsEmpty());
    ASSIGN_OR_RETURN(const std::string force, ForceOf(tx, "suffolk-pcc"));
    EXPECT_EQ(force, "suffolk");
    return ForceOf(tx, "kent-pcc").status();
  }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(StoreTest, DamageIsDataLossWhereverItIsRead) {
  Add("norfolk-pcc", "safe-to-share", 10);
  Add("suffolk-pcc", "safe-to-share", 10);
  registry::v1::Inspection inspection;
  inspection.set_name("inspections/safe-to-share");
  inspection.set_title("Safe to share?");
  const std::string half = inspection.SerializeAsString().substr(0, 12);
  ASSERT_THAT(
      Write([&](db::Transaction& tx) -> absl::Status {
        RETURN_IF_ERROR(SaveInspection(tx, "safe-to-share", inspection));
        RETURN_IF_ERROR(tx.Execute("UPDATE inspections SET content = ?", {db::Bytes{half}}).status());
        return tx.Execute("UPDATE deadlines SET content = ? WHERE body = ?", {db::Bytes{half}, "norfolk-pcc"}).status();
      }),
      IsOk());
  const auto reading = [&](auto read) {
    return database().Read([&](db::Transaction& tx) -> absl::Status { return read(tx).status(); });
  };
  const auto is_damage = StatusIs(absl::StatusCode::kDataLoss);
  EXPECT_THAT(reading([](db::Transaction& tx) {
                return LoadDeadline(tx, {"norfolk-pcc", "safe-to-share"});
              }),
              is_damage);
  EXPECT_THAT(reading([](db::Transaction& tx) { return LoadDeadline(tx, {"suffolk-pcc", "safe-to-share"}); }), IsOk());
  EXPECT_THAT(reading([](db::Transaction& tx) { return ListDeadlines(tx, All()); }), is_damage);
  EXPECT_THAT(reading([](db::Transaction& tx) { return LoadInspection(tx, "safe-to-share"); }), is_damage);
  // Nothing is saved over it either.
  EXPECT_THAT(Write([&](db::Transaction& tx) { return SaveInspection(tx, "safe-to-share", inspection); }), is_damage);
  std::vector<db::Damage> damage;
  for (const db::MessageTable* table : Tables()) {
    EXPECT_THAT(reading([&](db::Transaction& tx) {
                  std::vector<std::string> after;
                  return table->Check(tx, after, 100, damage);
                }),
                IsOk());
  }
  EXPECT_EQ(damage.size(), 2u);
}

TEST_P(StoreTest, APublicationAndADeadlineMeetInEitherOrder) {
  const DeadlineId id{"norfolk-pcc", "safe-to-share"};
  const DeadlineId other{"suffolk-pcc", "safe-to-share"};
  const auto record = [&](const DeadlineId& of, absl::Time time) {
    Publication found = Publication::kRepeat;
    EXPECT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                  ASSIGN_OR_RETURN(found, RecordPublication(tx, of, time));
                  return absl::OkStatus();
                }),
                IsOk());
    return found;
  };
  const auto await = [&](const DeadlineId& of) {
    std::optional<absl::Time> time;
    EXPECT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                  ASSIGN_OR_RETURN(time, AwaitPublication(tx, of));
                  return absl::OkStatus();
                }),
                IsOk());
    return time;
  };
  EXPECT_EQ(record(id, January(3)), Publication::kBeforeDeadline);
  EXPECT_EQ(record(id, January(4)), Publication::kRepeat);
  EXPECT_EQ(await(id), January(3));

  EXPECT_EQ(await(other), std::nullopt);
  EXPECT_EQ(record(other, January(5)), Publication::kDeadlineIsWaiting);
  EXPECT_EQ(record(other, January(6)), Publication::kRepeat);
}

TEST_P(StoreTest, RemembersOnlyTheFactsOfAReport) {
  registry::v1::Inspection inspection;
  inspection.set_name("inspections/safe-to-share");
  inspection.set_title("Safe to share?");
  *inspection.mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2020, 12, 17));
  inspection.set_basis(registry::v1::Inspection::VOLUNTARY);
  inspection.add_findings()->set_text(std::string(70'000, 'x'));
  const auto save = [&] {
    return Write([&](db::Transaction& tx) { return SaveInspection(tx, "safe-to-share", inspection); });
  };
  ASSERT_THAT(save(), IsOk());
  inspection.set_basis(registry::v1::Inspection::STATUTE_S55);
  ASSERT_THAT(save(), IsOk());
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const registry::v1::Inspection facts, LoadInspection(tx, "safe-to-share"));
    EXPECT_EQ(facts.basis(), registry::v1::Inspection::STATUTE_S55);
    EXPECT_EQ(facts.title(), "Safe to share?");
    EXPECT_EQ(facts.publication_date().day(), 17);
    EXPECT_EQ(facts.findings_size(), 0);
    return LoadInspection(tx, "another").status();
  }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(StoreTest, RefusesWhatIsTooLong) {
  const std::string longest(63, 'a');
  EXPECT_THAT(Write([&](db::Transaction& tx) { return SaveBody(tx, longest, longest); }), IsOk());
  EXPECT_THAT(Write([&](db::Transaction& tx) { return SaveBody(tx, longest + "a", "norfolk"); }),
              HasReason("VALUE_REFUSED"));
  EXPECT_THAT(Write([&](db::Transaction& tx) {
                return RecordPublication(tx, {longest + "a", "b"}, January(1)).status();
              }),
              HasReason("VALUE_REFUSED"));
}

SECTION55_ON_BOTH_ENGINES(StoreTest);

}  // namespace
}  // namespace section55::deadlines::store
