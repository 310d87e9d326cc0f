// What both engines promise to deadline-scheduler.
#include "services/deadline-scheduler/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deadlines_schema.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"

namespace section55::deadlines::store {
namespace {

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
    stored.deadline.set_name(rules::DeadlineName({body, inspection}));
    stored.deadline.set_inspection_title("Llŷn — “Safe to share?”");
    *stored.deadline.mutable_due_date() = base::ToProtoDate(absl::CivilDay(2021, 1, day));
    stored.deadline.set_state(state);
    ASSERT_THAT(Write([&](db::Transaction& tx) { return InsertDeadline(tx, stored); }), IsOk());
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
        const DeadlineKey key = KeyOf(stored.deadline);
        names.push_back(key.body + "/" + key.inspection);
      }
      return absl::OkStatus();
    }),
                IsOk());
    return names;
  }

  std::vector<std::string> Due(absl::Time now, int limit = 10) {
    std::vector<std::string> names;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const auto found, ListDue(tx, now, limit));
      for (const StoredDeadline& stored : found) {
        names.push_back(KeyOf(stored.deadline).inspection);
      }
      return absl::OkStatus();
    }),
                IsOk());
    return names;
  }

  absl::Time Next() {
    absl::Time next;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(next, NextDue(tx));
      return absl::OkStatus();
    }),
                IsOk());
    return next;
  }
};

absl::Time January(int day) { return absl::FromCivil(absl::CivilDay(2021, 1, day), absl::UTCTimeZone()); }

DeadlineQuery All() {
  DeadlineQuery query;
  query.all = true;
  query.limit = 100;
  return query;
}

TEST_P(StoreTest, GivesBackWhatWasSaved) {
  Add("norfolk-pcc", "safe-to-share", 10);
  const StoredDeadline stored = Load({"norfolk-pcc", "safe-to-share"});
  EXPECT_EQ(stored.version, 1);
  EXPECT_EQ(stored.deadline.etag(), base::EtagOf(1));
  EXPECT_EQ(stored.deadline.inspection_title(), "Llŷn — “Safe to share?”");
  EXPECT_THAT(database().Read([](db::Transaction& tx) {
    return LoadDeadline(tx, {"suffolk-pcc", "safe-to-share"}).status();
  }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(StoreTest, RefusesASecondOneAndGoesOn) {
  Add("norfolk-pcc", "safe-to-share", 10);
  const absl::Status status = Write([&](db::Transaction& tx) -> absl::Status {
    StoredDeadline again;
    again.deadline.set_name("bodies/norfolk-pcc/deadlines/safe-to-share");
    again.deadline.set_inspection_title("Another");
    EXPECT_THAT(InsertDeadline(tx, again), StatusIs(absl::StatusCode::kAlreadyExists));
    return SaveBody(tx, "norfolk-pcc", "norfolk");
  });
  EXPECT_THAT(status, IsOk());
  EXPECT_EQ(Load({"norfolk-pcc", "safe-to-share"}).deadline.inspection_title(), "Llŷn — “Safe to share?”");
}

TEST_P(StoreTest, SavesOnlyOverTheVersionThatWasRead) {
  Add("norfolk-pcc", "safe-to-share", 10);
  const StoredDeadline before = Load({"norfolk-pcc", "safe-to-share"});
  const auto set_title = [](db::Transaction& tx, StoredDeadline stored, const std::string& title) {
    stored.deadline.set_inspection_title(title);
    const absl::Status status = UpdateDeadline(tx, stored);
    EXPECT_EQ(stored.deadline.etag(), base::EtagOf(stored.version));
    return status;
  };
  ASSERT_THAT(Write([&](db::Transaction& tx) { return set_title(tx, before, "Somebody else's"); }), IsOk());
  int runs = 0;
  ASSERT_THAT(Write([&](db::Transaction& tx) -> absl::Status {
                if (++runs == 1) {
                  return set_title(tx, before, "Lost");
                }
                ASSIGN_OR_RETURN(StoredDeadline fresh, LoadDeadline(tx, {"norfolk-pcc", "safe-to-share"}));
                EXPECT_EQ(fresh.deadline.inspection_title(), "Somebody else's");
                return set_title(tx, fresh, "Mine");
              }),
              IsOk());
  EXPECT_EQ(runs, 2);
  const StoredDeadline after = Load({"norfolk-pcc", "safe-to-share"});
  EXPECT_EQ(after.version, 3);
  EXPECT_EQ(after.deadline.inspection_title(), "Mine");
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

TEST_P(StoreTest, PagesWithoutGapOrRepeat) {
  std::vector<std::string> expected;
  for (const int day : {5, 10}) {
    for (const std::string body : {"a", "b", "c"}) {
      for (const std::string inspection : {"x", "y"}) {
        const std::string id = inspection + std::to_string(day);
        Add(body, id, day);
        expected.push_back(body + "/" + id);
      }
    }
  }
  std::vector<std::string> seen;
  DeadlineQuery query = All();
  query.limit = 1;
  for (auto page = List(query); !page.empty() && seen.size() <= expected.size(); page = List(query)) {
    seen.push_back(page.front());
    const size_t slash = page.front().find('/');
    query.after = KeyOf(Load({page.front().substr(0, slash), page.front().substr(slash + 1)}).deadline);
  }
  EXPECT_EQ(seen, expected);
}

TEST_P(StoreTest, FiltersByStateAndInspection) {
  Add("norfolk-pcc", "a", 10, v1::Deadline::MET);
  Add("norfolk-pcc", "b", 11);
  Add("suffolk-pcc", "a", 10);
  DeadlineQuery query = All();
  query.state = v1::Deadline::PENDING;
  EXPECT_THAT(List(query), ElementsAre("suffolk-pcc/a", "norfolk-pcc/b"));
  query.inspection = "a";
  EXPECT_THAT(List(query), ElementsAre("suffolk-pcc/a"));
  query.state.reset();
  EXPECT_THAT(List(query), ElementsAre("norfolk-pcc/a", "suffolk-pcc/a"));
  query.body = "norfolk-pcc";
  EXPECT_THAT(List(query), ElementsAre("norfolk-pcc/a"));
}

TEST_P(StoreTest, ShowsNobodyMoreThanTheirBodiesAndThoseOfTheirForces) {
  for (const char* body : {"essex-pfcc", "norfolk-pcc", "suffolk-pcc"}) {
    Add(body, "a", 10);
  }
  ASSERT_THAT(Write([](db::Transaction& tx) -> absl::Status {
                RETURN_IF_ERROR(SaveBody(tx, "suffolk-pcc", "norfolk"));
                RETURN_IF_ERROR(SaveBody(tx, "suffolk-pcc", "suffolk"));  // a repeat replaces
                return SaveBody(tx, "norfolk-pcc", "norfolk");
              }),
              IsOk());
  DeadlineQuery query;
  query.limit = 100;
  EXPECT_THAT(List(query), IsEmpty());
  query.forces = {"norfolk"};
  EXPECT_THAT(List(query), ElementsAre("norfolk-pcc/a"));
  query.bodies = {"essex-pfcc", "kent-pcc"};
  EXPECT_THAT(List(query), ElementsAre("essex-pfcc/a", "norfolk-pcc/a"));
  query.forces.clear();
  EXPECT_THAT(List(query), ElementsAre("essex-pfcc/a"));
  // The other conditions bind all of them.
  query.forces = {"norfolk", "suffolk"};
  query.after = KeyOf(Load({"norfolk-pcc", "a"}).deadline);
  EXPECT_THAT(List(query), ElementsAre("suffolk-pcc/a"));
}

TEST_P(StoreTest, FindsWhatIsDueFromTheInstantOn) {
  EXPECT_EQ(Next(), absl::InfiniteFuture());
  Add("norfolk-pcc", "met", 1, v1::Deadline::MET);
  Add("norfolk-pcc", "missed", 2, v1::Deadline::MISSED);
  Add("norfolk-pcc", "second", 10);
  Add("norfolk-pcc", "first", 5);
  Add("suffolk-pcc", "third", 10);
  // Due on 5 January: missed from the 6th, 00:00.
  EXPECT_EQ(Next(), January(6));
  EXPECT_THAT(Due(January(6) - absl::Microseconds(1)), IsEmpty());
  EXPECT_THAT(Due(January(6)), ElementsAre("first"));
  EXPECT_THAT(Due(January(31)), ElementsAre("first", "second", "third"));
  EXPECT_THAT(Due(January(31), 2), ElementsAre("first", "second"));
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
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Write([&](db::Transaction& tx) {
                return RecordPublication(tx, {longest + "a", "b"}, January(1)).status();
              }),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

SECTION55_ON_BOTH_ENGINES(StoreTest);

}  // namespace
}  // namespace section55::deadlines::store
