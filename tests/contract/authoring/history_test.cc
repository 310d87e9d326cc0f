// The contract of what stands beside a response: its history, comments on it, what the force is writing.
#include "services/response-authoring/store_comments.h"
#include "services/response-authoring/store_drafts.h"
#include "services/response-authoring/store_history.h"
#include "tests/contract/authoring/fixture.h"

namespace section55::authoring::store {
namespace {

TEST_P(StoreTest, TheHistoryIsReadFromTheLastChangeBackwardsInPieces) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  constexpr int kSaves = 1200;  // more than MariaDB takes in one recursion
  ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    for (int i = 0; i < kSaves; ++i) {
      ASSIGN_OR_RETURN(StoredResponse stored, LoadResponse(tx, "norfolk-pcc", "safe-to-share", ReportForm::kFacts));
      const v1::Response before = stored.response;
      stored.response.set_comments(std::to_string(i));
      RETURN_IF_ERROR(Write(tx, Prepare(before, "people/ann", kNow, stored)));
    }
    return absl::OkStatus();
  }),
              IsOk());
  const auto loaded = Load("norfolk-pcc", "safe-to-share");
  EXPECT_EQ(loaded->revisions, kSaves + 1);
  std::vector<HistoryRow> all;
  ASSERT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                for (int64_t head = loaded->history; head != 0;) {
                  ASSIGN_OR_RETURN(const std::vector<HistoryRow> rows, HistoryFrom(tx, head, 100'000));
                  EXPECT_LE(rows.size(), static_cast<size_t>(kMostHistoryRows));
                  all.insert(all.end(), rows.begin(), rows.end());
                  head = rows.back().previous;
                }
                ASSIGN_OR_RETURN(const auto contents, HistoryContents(tx, {all[1].id, all[0].id, all[1].id}));
                EXPECT_EQ(contents[0].comments(), "1198");
                EXPECT_EQ(contents[1].comments(), "1199");
                EXPECT_EQ(contents[2].comments(), "1198");
                EXPECT_THAT(HistoryContents(tx, {all[0].id, 1}), StatusIs(absl::StatusCode::kDataLoss));
                ASSIGN_OR_RETURN(const auto one, HistoryFrom(tx, all[0].id, 1));
                EXPECT_EQ(one.size(), 1u);
                ASSIGN_OR_RETURN(const auto none, HistoryFrom(tx, 0, 10));
                EXPECT_THAT(none, IsEmpty());
                ASSIGN_OR_RETURN(const bool own, IsHistoryOf(tx, all[0].id, "norfolk-pcc", "safe-to-share"));
                EXPECT_TRUE(own);
                ASSIGN_OR_RETURN(const bool others, IsHistoryOf(tx, all[0].id, "suffolk-pcc", "safe-to-share"));
                EXPECT_FALSE(others);
                return absl::OkStatus();
              }),
              IsOk());
  ASSERT_THAT(all, SizeIs(kSaves + 1));
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i].revision, static_cast<int64_t>(all.size() - i));
  }
  EXPECT_EQ(all.back().part, "state");
}

TEST_P(StoreTest, AnAutosaveTakesThePlaceOfTheOneItGoesOnWith) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  const auto autosave = [&](const std::string& comments, absl::Time now, const std::string& actor = "people/ann") {
    return database().Write([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(StoredResponse stored, LoadResponse(tx, "norfolk-pcc", "safe-to-share", ReportForm::kFacts));
      ASSIGN_OR_RETURN(const auto last, HistoryFrom(tx, stored.history, 1));
      const v1::Response before = stored.response;
      stored.response.set_comments(comments);
      return Write(tx, Prepare(before, actor, now, stored, &last.front()));
    });
  };
  ASSERT_THAT(autosave("W", kNow), IsOk());
  ASSERT_THAT(autosave("We", kNow + absl::Minutes(5)), IsOk());
  ASSERT_THAT(autosave("We agree", kNow + absl::Minutes(10)), IsOk());
  EXPECT_THAT(History(), ElementsAre("state v1 people/registrar", "comments v4 people/ann"));
  ASSERT_THAT(autosave("We agree.", kNow + absl::Minutes(11)), IsOk());
  ASSERT_THAT(autosave("We agree!", kNow + absl::Minutes(11), "people/sam"), IsOk());
  ASSERT_THAT(autosave("We agree?", kNow + absl::Minutes(9), "people/sam"), IsOk()) << "the clock was set back";
  EXPECT_THAT(History(), ElementsAre("state v1 people/registrar", "comments v4 people/ann", "comments v5 people/ann",
                                     "comments v6 people/sam", "comments v7 people/sam"));
  const auto loaded = Load("norfolk-pcc", "safe-to-share");
  EXPECT_EQ(loaded->revisions, 5);
  EXPECT_EQ(loaded->response.comments(), "We agree?");
}

TEST_P(StoreTest, WhatIsExemptIsFoundByItsStateAndKeepsItsHistory) {
  for (const char* inspection : {"a-report", "b-report", "c-report"}) {
    ASSERT_THAT(Insert(NewResponse("norfolk-pcc", inspection)), IsOk());
  }
  const auto exempt = [](v1::Response& response) {
    response.set_state(v1::Response::EXEMPT);
    response.mutable_exemption()->set_kind(v1::Exemption::NOT_A_REPORT_UNDER_S55);
    response.mutable_exemption()->set_reason("A letter.");
  };
  ASSERT_THAT(Update(*Load("norfolk-pcc", "b-report"), exempt), IsOk());
  EXPECT_EQ(Load("norfolk-pcc", "b-report")->response.exemption().reason(), "A letter.");
  EXPECT_THAT(List({.state = v1::Response::EXEMPT}), ElementsAre("norfolk-pcc/b-report"));
  std::vector<std::string> open, living, bodies;
  ASSERT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                ASSIGN_OR_RETURN(open, OfBody(tx, "norfolk-pcc", {v1::Response::OPEN, v1::Response::IN_REVIEW}, 10));
                ASSIGN_OR_RETURN(living, OfBody(tx, "norfolk-pcc", {v1::Response::OPEN, v1::Response::EXEMPT}, 10));
                ASSIGN_OR_RETURN(bodies, OpenOfReport(tx, "b-report"));
                return absl::OkStatus();
              }),
              IsOk());
  EXPECT_THAT(open, ElementsAre("a-report", "c-report"));
  EXPECT_THAT(living, ElementsAre("a-report", "c-report", "b-report"));
  EXPECT_THAT(bodies, ElementsAre("norfolk-pcc")) << "the withdrawal of a report reaches what is exempt";
  EXPECT_THAT(History(), ::testing::Contains("state v2 people/ann"));
}

TEST_P(StoreTest, EveryChangeOfAPartIsKept) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  const auto answer = [](v1::Response& response, const std::string& finding, const std::string& text) {
    v1::Answer& answer = *response.add_answers();
    answer.set_finding("inspections/safe-to-share/findings/" + finding);
    answer.set_explanation(text);
  };
  ASSERT_THAT(Update(*Load("norfolk-pcc", "safe-to-share"),
                     [&](v1::Response& response) {
                       response.set_comments("Comments.");
                       answer(response, "recommendation-1", "One.");
                       answer(response, "recommendation-2", "Two.");
                     }),
              IsOk());
  ASSERT_THAT(Update(
                  *Load("norfolk-pcc", "safe-to-share"),
                  [&](v1::Response& response) {
                    response.mutable_answers()->DeleteSubrange(0, 1);
                    response.mutable_chief_officer()->add_contributions()->set_id("contribution-1");
                    response.set_state(v1::Response::IN_REVIEW);
                  },
                  "people/chris"),
              IsOk());
  EXPECT_THAT(History(), ElementsAre("state v1 people/registrar", "answers/recommendation-1 v2 people/ann",
                                     "answers/recommendation-2 v2 people/ann", "comments v2 people/ann",
                                     "answers/recommendation-1 v3 people/chris",
                                     "contributions/contribution-1 v3 people/chris", "state v3 people/chris"));
}

// As large as a response can be: a hundred and eleven long answers, all changed at once.
TEST_P(StoreTest, ASaveOverAnOldVersionNeverSucceedsNorLeavesHistory) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  const auto loaded = Load("norfolk-pcc", "safe-to-share");
  ASSERT_THAT(loaded, IsOk());
  ASSERT_THAT(Update(*loaded, [](v1::Response& response) { response.set_comments("first"); }), IsOk());
  EXPECT_THAT(Update(*loaded, [](v1::Response& response) { response.set_comments("second"); }), HasReason("CONFLICT"));
  const auto saved = Load("norfolk-pcc", "safe-to-share");
  EXPECT_EQ(saved->response.comments(), "first");
  EXPECT_EQ(saved->version, 2);
  EXPECT_EQ(saved->response.etag(), "v2");
  EXPECT_THAT(History(), ElementsAre("state v1 people/registrar", "comments v2 people/ann"));
}

TEST_P(StoreTest, CommentsAreReadInTheOrderInWhichTheyWereMade) {
  const auto comment = [](const std::string& body, int64_t id) {
    v1::Comment made;
    made.set_name(fmt::format("bodies/{}/responses/safe-to-share/comments/{}", body, id));
    made.set_text(std::string(5'000, 'x'));
    return made;
  };
  ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    for (const int64_t id : {30, 10, 20}) {
      RETURN_IF_ERROR(AddComment(tx, "norfolk-pcc", "safe-to-share", id, comment("norfolk-pcc", id)));
    }
    return AddComment(tx, "suffolk-pcc", "safe-to-share", 15, comment("suffolk-pcc", 15));
  }),
              IsOk());
  EXPECT_THAT(database().Write([&](db::Transaction& tx) {
    return AddComment(tx, "norfolk-pcc", "safe-to-share", 10, comment("norfolk-pcc", 10));
  }),
              HasReason("CONFLICT"));
  std::vector<std::string> names;
  ASSERT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                for (const int64_t after : {0, 10, 30}) {
                  ASSIGN_OR_RETURN(const auto page, CommentsAfter(tx, "norfolk-pcc", "safe-to-share", after, 2));
                  for (const v1::Comment& found : page) {
                    names.push_back(found.name().substr(found.name().rfind('/') + 1));
                  }
                }
                const v1::Comment one = comment("norfolk-pcc", 20);
                ASSIGN_OR_RETURN(const auto found, FindComment(tx, "norfolk-pcc", "safe-to-share", one.name()));
                EXPECT_TRUE(found && found->text() == one.text());
                for (const std::string& other : {comment("suffolk-pcc", 15).name(), comment("norfolk-pcc", 15).name(),
                                                 std::string("comments/20"), std::string("20"), std::string()}) {
                  ASSIGN_OR_RETURN(const auto none, FindComment(tx, "norfolk-pcc", "safe-to-share", other));
                  EXPECT_FALSE(none) << other;
                }
                return absl::OkStatus();
              }),
              IsOk());
  EXPECT_THAT(names, ElementsAre("10", "20", "20", "30"));
}

TEST_P(StoreTest, DraftsAreKeptByTheirVersionAndGoOnUnderASuccessor) {
  const auto draft = [](int64_t id, const std::string& text) {
    Draft made;
    made.message.set_name(fmt::format("bodies/norfolk-pcc/responses/safe-to-share/drafts/{}", id));
    made.message.mutable_contribution()->set_text(text);
    return made;
  };
  Draft one = draft(1, "One."), two = draft(2, std::string(200'000, 'x'));
  ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    one = draft(1, "One.");
    RETURN_IF_ERROR(AddDraft(tx, one));
    Draft second = two;
    return AddDraft(tx, second);
  }),
              IsOk());
  EXPECT_EQ(one.message.etag(), "v1");
  ASSERT_THAT(database().Write([&](db::Transaction& tx) {
    Draft changed = one;
    changed.message.mutable_contribution()->set_text("Changed.");
    return UpdateDraft(tx, changed);
  }),
              IsOk());
  EXPECT_THAT(database().Write([&](db::Transaction& tx) { return DeleteDraft(tx, one); }), HasReason("CONFLICT"))
      << "it is not what was read";
  ASSERT_THAT(database().Write(
                  [&](db::Transaction& tx) { return MoveDrafts(tx, "norfolk-pcc", "safe-to-share", "norfolk-board"); }),
              IsOk());
  ASSERT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                ASSIGN_OR_RETURN(const auto left, DraftsOf(tx, "norfolk-pcc", "safe-to-share", 0, 10));
                EXPECT_THAT(left, IsEmpty());
                ASSIGN_OR_RETURN(const auto moved, DraftsOf(tx, "norfolk-board", "safe-to-share", 0, 10));
                EXPECT_THAT(moved, SizeIs(2));
                EXPECT_EQ(moved[0].message.contribution().text(), "Changed.");
                EXPECT_EQ(moved[0].message.name(), "bodies/norfolk-board/responses/safe-to-share/drafts/1");
                ASSIGN_OR_RETURN(const auto behind, DraftsOf(tx, "norfolk-board", "safe-to-share", 1, 10));
                EXPECT_THAT(behind, SizeIs(1));
                ASSIGN_OR_RETURN(const auto found, FindDraft(tx, moved[1].message.name()));
                EXPECT_TRUE(found.has_value());
                ASSIGN_OR_RETURN(const auto none, FindDraft(tx, "bodies/norfolk-board/responses/other/drafts/1"));
                EXPECT_FALSE(none.has_value());
                return absl::OkStatus();
              }),
              IsOk());
}

}  // namespace
}  // namespace section55::authoring::store
