// The contract of response-authoring's store, on SQLite and on MariaDB.
#include "services/response-authoring/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "authoring_schema.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"

namespace section55::authoring::store {
namespace {

using ::section55::testing::HasReason;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

StoredResponse NewResponse(const std::string& body, const std::string& inspection,
                           const std::string& force = "norfolk") {
  StoredResponse stored;
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

  absl::Status Insert(StoredResponse stored) {
    return database().Write([&](db::Transaction& tx) { return InsertResponse(tx, stored); });
  }

  absl::StatusOr<StoredResponse> Load(const std::string& body, const std::string& inspection) {
    absl::StatusOr<StoredResponse> loaded = absl::UnknownError("not run");
    const absl::Status read = database().Read([&](db::Transaction& tx) {
      loaded = LoadResponse(tx, body, inspection);
      return absl::OkStatus();
    });
    EXPECT_THAT(read, IsOk());
    return loaded;
  }

  std::vector<std::string> List(ResponseQuery query) {
    if (query.limit == 0) {
      query.limit = 100;
    }
    std::vector<std::string> names;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
      auto found = ListResponses(tx, query);
      RETURN_IF_ERROR(found.status());
      for (const auto& stored : *found) {
        names.push_back(stored.response.name().substr(std::string("bodies/").size()));
      }
      return absl::OkStatus();
    }),
                IsOk());
    return names;
  }
};

TEST_P(StoreTest, AResponseComesBackAsItWasSavedWithTheEtagOfItsVersion) {
  StoredResponse stored = NewResponse("norfolk-pcc", "safe-to-share");
  stored.response.set_comments(std::string("Cymraeg: ŵ ŷ “quoted” \0 end", 30));
  ASSERT_THAT(Insert(stored), IsOk());
  const auto loaded = Load("norfolk-pcc", "safe-to-share");
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->response.comments(), stored.response.comments());
  EXPECT_EQ(loaded->version, 1);
  EXPECT_EQ(loaded->response.etag(), "v1");
}

TEST_P(StoreTest, UnknownAndRepeatedNamesAreTold) {
  EXPECT_THAT(Load("norfolk-pcc", "safe-to-share"), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  EXPECT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Load("NORFOLK-PCC", "safe-to-share"), StatusIs(absl::StatusCode::kNotFound)) << "ids keep their case";
}

TEST_P(StoreTest, ASaveOverAnOldVersionNeverSucceeds) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  auto first = Load("norfolk-pcc", "safe-to-share");
  auto second = Load("norfolk-pcc", "safe-to-share");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  first->response.set_comments("first");
  second->response.set_comments("second");
  ASSERT_THAT(database().Write([&](db::Transaction& tx) { return UpdateResponse(tx, *first); }), IsOk());
  EXPECT_THAT(database().Write([&](db::Transaction& tx) { return UpdateResponse(tx, *second); }),
              HasReason("CONFLICT"));
  const auto loaded = Load("norfolk-pcc", "safe-to-share");
  EXPECT_EQ(loaded->response.comments(), "first");
  EXPECT_EQ(loaded->version, 2);
}

TEST_P(StoreTest, ListsPageByKeyWithoutGapsOrRepeats) {
  for (const char* body : {"norfolk-pcc", "suffolk-pcc", "essex-pfcc"}) {
    for (const char* inspection : {"a", "b", "c"}) {
      ASSERT_THAT(Insert(NewResponse(body, inspection)), IsOk());
    }
  }
  std::vector<std::string> all;
  ResponseQuery query;
  query.all = true;
  query.limit = 2;
  for (auto page = List(query); !page.empty(); page = List(query)) {
    all.insert(all.end(), page.begin(), page.end());
    query.after_body = all.back().substr(0, all.back().find('/'));
    query.after_inspection = all.back().substr(all.back().rfind('/') + 1);
  }
  EXPECT_THAT(all, ElementsAre("essex-pfcc/responses/a", "essex-pfcc/responses/b", "essex-pfcc/responses/c",
                               "norfolk-pcc/responses/a", "norfolk-pcc/responses/b", "norfolk-pcc/responses/c",
                               "suffolk-pcc/responses/a", "suffolk-pcc/responses/b", "suffolk-pcc/responses/c"));
}

TEST_P(StoreTest, ListsShowOnlyWhatTheCallerMaySee) {
  for (const char* id : {"norfolk", "suffolk", "essex"}) {
    ASSERT_THAT(Insert(NewResponse(std::string(id) + "-pcc", "a", id)), IsOk());
    ASSERT_THAT(database().Write([&](db::Transaction& tx) { return SaveBody(tx, std::string(id) + "-pcc", id); }),
                IsOk());
  }
  EXPECT_THAT(List({}), IsEmpty());
  EXPECT_THAT(List({.bodies = {"norfolk-pcc"}}), ElementsAre("norfolk-pcc/responses/a"));
  EXPECT_THAT(List({.forces = {"suffolk"}}), ElementsAre("suffolk-pcc/responses/a"));
  EXPECT_THAT(List({.bodies = {"norfolk-pcc"}, .forces = {"suffolk", "norfolk"}}),
              ElementsAre("norfolk-pcc/responses/a", "suffolk-pcc/responses/a"));
  EXPECT_THAT(List({.body = "essex-pcc"}), ElementsAre("essex-pcc/responses/a"));
}

TEST_P(StoreTest, ListsFilterByStateAndInspection) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "a")), IsOk());
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "b")), IsOk());
  auto stored = Load("norfolk-pcc", "b");
  stored->response.set_state(v1::Response::IN_REVIEW);
  ASSERT_THAT(database().Write([&](db::Transaction& tx) { return UpdateResponse(tx, *stored); }), IsOk());
  EXPECT_THAT(List({.all = true, .state = v1::Response::IN_REVIEW}), ElementsAre("norfolk-pcc/responses/b"));
  EXPECT_THAT(List({.all = true, .inspection = "a"}), ElementsAre("norfolk-pcc/responses/a"));
  EXPECT_THAT(List({.body = "norfolk-pcc", .after_inspection = "a"}), ElementsAre("norfolk-pcc/responses/b"));
}

TEST_P(StoreTest, ABodysForceCanBeReplaced) {
  const auto force_of = [&](const std::string& body) {
    absl::StatusOr<std::string> force = absl::UnknownError("not run");
    EXPECT_THAT(database().Read([&](db::Transaction& tx) {
      force = ForceOf(tx, body);
      return absl::OkStatus();
    }),
                IsOk());
    return force;
  };
  EXPECT_THAT(force_of("norfolk-pcc"), StatusIs(absl::StatusCode::kNotFound));
  for (const char* force : {"norfolk", "east-anglia"}) {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) { return SaveBody(tx, "norfolk-pcc", force); }), IsOk());
    EXPECT_EQ(force_of("norfolk-pcc").value(), force);
  }
}

SECTION55_ON_BOTH_ENGINES(StoreTest);

}  // namespace
}  // namespace section55::authoring::store
