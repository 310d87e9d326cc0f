// Revisions: what was saved by whom, what is different between two, and two people who save the same part.
#include "libs/rpc/paging.h"
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

const Person kSam = {"sam", {"author@bodies/norfolk-pcc"}};

class RevisionsTest : public AuthoringTest {
 protected:
  grpc::Status Save(const Person& person, const v1::Response& values, bool autosave = false,
                    const std::string& etag = "") {
    v1::UpdateResponseRequest request;
    *request.mutable_response() = values;
    request.mutable_response()->set_name(kNorfolk);
    request.set_autosave(autosave);
    request.set_etag(etag);
    v1::Response response;
    return stub_->UpdateResponse(As(person).get(), request, &response);
  }
  grpc::Status SaveComments(const Person& person, const std::string& comments, bool autosave = false,
                            const std::string& etag = "") {
    v1::Response values;
    values.set_comments(comments);
    return Save(person, values, autosave, etag);
  }
  static v1::Response Answering(const std::string& explanation, const std::string& etag = "") {
    v1::Response values;
    v1::Answer& answer = *values.add_answers();
    answer.set_finding("recommendation-5");
    answer.set_kind(v1::Answer::ACTION_TAKEN);
    answer.set_explanation(explanation);
    answer.set_etag(etag);
    return values;
  }

  // "3 people/ann comments", the latest first.
  std::vector<std::string> List(int page_size = 0) {
    v1::ListRevisionsRequest request;
    request.set_parent(kNorfolk);
    request.set_page_size(page_size);
    std::vector<std::string> told;
    v1::ListRevisionsResponse page;
    do {
      EXPECT_THAT(stub_->ListRevisions(As(kAuthor).get(), request, &page), IsOk());
      EXPECT_LE(page.revisions_size(), page_size == 0 ? 50 : page_size);
      for (const v1::Revision& revision : page.revisions()) {
        std::string line = std::to_string(revision.number()) + " " + revision.actor();
        for (const std::string& part : revision.parts()) {
          line += " " + part;
        }
        told.push_back(line);
      }
      request.set_page_token(page.next_page_token());
    } while (!page.next_page_token().empty());
    return told;
  }

  v1::CompareRevisionsResponse Compare(int64_t from, int64_t to, const std::string& part = "") {
    v1::CompareRevisionsRequest request;
    request.set_name(kNorfolk);
    request.set_from(from);
    request.set_to(to);
    request.set_part(part);
    v1::CompareRevisionsResponse response;
    EXPECT_THAT(stub_->CompareRevisions(As(kAuthor).get(), request, &response), IsOk());
    return response;
  }

  grpc::Status Get(const Person& person, const std::string& revision, v1::Revision* read) {
    v1::GetRevisionRequest request;
    request.set_name(std::string(kNorfolk) + "/revisions/" + revision);
    return stub_->GetRevision(As(person).get(), request, read);
  }
  using AuthoringTest::Get;

  void Pass(absl::Duration time) { server_.clock().Set(server_.clock().Now() + time); }
};

TEST_F(RevisionsTest, EverySaveIsOne) {
  ASSERT_THAT(SaveComments(kAuthor, "One."), IsOk());
  ASSERT_THAT(SaveComments(kAuthor, "Two."), IsOk());
  v1::Response both = Answering("Done.");
  both.set_comments("Three.");
  ASSERT_THAT(Save(kSam, both), IsOk());
  ASSERT_THAT(SaveComments(kSam, "Three."), IsOk()) << "which changes nothing";
  const std::vector<std::string> all = {"4 people/sam comments answers/recommendation-5", "3 people/ann comments",
                                        "2 people/ann comments", "1 people/registrar state"};
  EXPECT_EQ(List(), all);
  for (const int page : {1, 2, 3}) {
    EXPECT_EQ(List(page), all) << "in pages of " << page;
  }
}

TEST_F(RevisionsTest, AutosavesOfOnePersonOnOnePartWithinTenMinutesAreOne) {
  ASSERT_THAT(SaveComments(kAuthor, "W", true), IsOk());
  Pass(absl::Seconds(5));
  ASSERT_THAT(SaveComments(kAuthor, "We", true), IsOk());
  Pass(absl::Minutes(9));
  ASSERT_THAT(SaveComments(kAuthor, "We agree", true), IsOk());
  EXPECT_THAT(List(), ElementsAre("2 people/ann comments", "1 people/registrar state"));
  Pass(absl::Minutes(2));
  ASSERT_THAT(SaveComments(kAuthor, "We agree now", true), IsOk());
  EXPECT_THAT(List(), ElementsAre("3 people/ann comments", "2 people/ann comments", "1 people/registrar state"))
      << "ten minutes after they began";
  ASSERT_THAT(SaveComments(kSam, "We agree, too", true), IsOk());
  ASSERT_THAT(Save(kSam, Answering("D"), true), IsOk());
  ASSERT_THAT(SaveComments(kSam, "We agree, too.", true), IsOk());
  ASSERT_THAT(SaveComments(kSam, "Saved by hand."), IsOk());
  ASSERT_THAT(SaveComments(kSam, "And on.", true), IsOk());
  EXPECT_EQ(List().size(), 8u) << "another person, another part, a save by hand: each is one of its own";
  v1::Revision revision;
  ASSERT_THAT(Get(kAuthor, "2", &revision), IsOk());
  EXPECT_EQ(revision.response().comments(), "We agree") << "the text saved last";
  EXPECT_EQ(Get(kAuthor).comments(), "And on.");
}

TEST_F(RevisionsTest, AreReadAsTheResponseThenWas) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());  // 2
  ASSERT_THAT(Comment(kChief), IsOk());                      // 3
  ASSERT_THAT(WriteAll(), IsOk());                           // 4
  ASSERT_THAT(Save(kSam, Answering("Better.")), IsOk());     // 5
  v1::Response removed;
  removed.add_answers()->set_finding("recommendation-5");
  ASSERT_THAT(Save(kSam, removed), IsOk());  // 6
  v1::Revision revision;
  ASSERT_THAT(Get(kAuditor, "4", &revision), IsOk());
  EXPECT_EQ(revision.actor(), "people/ann");
  EXPECT_THAT(revision.parts(), ElementsAre("comments", "answers/recommendation-5"));
  EXPECT_EQ(revision.response().name(), kNorfolk);
  EXPECT_EQ(revision.response().comments(), "Our comments.");
  EXPECT_EQ(revision.response().answers(0).explanation(), "Done.");
  EXPECT_EQ(revision.response().chief_officer().contributions(0).text(), "We agree.");
  EXPECT_EQ(revision.response().state(), v1::Response::OPEN);
  ASSERT_THAT(Get(kAuditor, "5", &revision), IsOk());
  EXPECT_EQ(revision.response().answers(0).explanation(), "Better.");
  ASSERT_THAT(Get(kAuditor, "6", &revision), IsOk());
  EXPECT_EQ(revision.response().answers_size(), 0);
  EXPECT_EQ(revision.response_etag(), Get(kAuthor).etag());
  EXPECT_THAT(Get(kAuditor, "7", &revision), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get(kAuditor, "07", &revision), ViolationOn("name"));
  EXPECT_THAT(Get(kAuditor, "last", &revision), ViolationOn("name"));
}

TEST_F(RevisionsTest, AreComparedPartByPartAndWordByWord) {
  ASSERT_THAT(SaveComments(kAuthor, "We welcome the report."), IsOk());  // 2
  ASSERT_THAT(Save(kAuthor, Answering("Done.")), IsOk());                // 3
  ASSERT_THAT(SaveComments(kSam, "We welcome this report."), IsOk());    // 4
  const auto all = Compare(1, 4);
  ASSERT_EQ(all.differences_size(), 2);
  EXPECT_EQ(all.differences(0).part(), "answers/recommendation-5");
  EXPECT_FALSE(all.differences(0).has_before());
  EXPECT_EQ(all.differences(0).after().answers(0).explanation(), "Done.");
  const auto comments = Compare(2, 4, "comments");
  ASSERT_EQ(comments.differences_size(), 1);
  EXPECT_EQ(comments.differences(0).before().comments(), "We welcome the report.");
  ASSERT_EQ(comments.differences(0).words_size(), 4);
  EXPECT_EQ(comments.differences(0).words(1).kind(), v1::Words::REMOVED);
  EXPECT_EQ(comments.differences(0).words(1).text(), "the ");
  EXPECT_EQ(comments.differences(0).words(2).text(), "this ");
  const auto back = Compare(4, 2, "comments");
  EXPECT_EQ(back.differences(0).after().comments(), "We welcome the report.");
  EXPECT_EQ(Compare(4, 4).differences_size(), 0);
  ASSERT_THAT(SaveComments(kSam, "We welcome the report."), IsOk());  // 5
  EXPECT_EQ(Compare(2, 5, "comments").differences_size(), 0) << "changed, and changed back";
  ASSERT_THAT(Comment(kChief), IsOk());  // 6
  const auto said = Compare(5, 6, "contributions/contribution-1");
  ASSERT_EQ(said.differences_size(), 1);
  ASSERT_EQ(said.differences(0).words_size(), 1);
  EXPECT_EQ(said.differences(0).words(0).text(), "We agree.");
  v1::CompareRevisionsRequest wrong;
  v1::CompareRevisionsResponse response;
  wrong.set_name(kNorfolk);
  EXPECT_THAT(stub_->CompareRevisions(As(kAuthor).get(), wrong, &response),
              AllOf(ViolationOn("from"), ViolationOn("to")));
  wrong.set_from(1);
  wrong.set_to(9);
  EXPECT_THAT(stub_->CompareRevisions(As(kAuthor).get(), wrong, &response), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RevisionsTest, AreForTheBodysOwnPeople) {
  v1::ListRevisionsRequest list;
  list.set_parent(kNorfolk);
  v1::ListRevisionsResponse page;
  v1::Revision revision;
  for (const Person& person : {kChief, kSuffolkAuthor, kOperator}) {
    EXPECT_THAT(stub_->ListRevisions(As(person).get(), list, &page), StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_THAT(Get(person, "1", &revision), StatusIs(absl::StatusCode::kPermissionDenied));
  }
}

TEST_F(RevisionsTest, ATokenForgedForAnotherBodysHistoryIsRefused) {
  ASSERT_THAT(SaveComments(kAuthor, "Norfolk's own."), IsOk());
  int64_t norfolks = 0;
  ASSERT_THAT(database_->Read([&](db::Transaction& tx) {
    return tx.Query("SELECT history FROM responses WHERE body = ?", {"norfolk-pcc"},
                    [&](const db::Row& row) { norfolks = row.Int64(0); });
  }),
              IsOk());
  v1::ListRevisionsRequest list;
  list.set_parent(kSuffolk);
  list.set_page_token(rpc::MakePageToken(list, {std::to_string(norfolks)}));
  v1::ListRevisionsResponse page;
  EXPECT_THAT(stub_->ListRevisions(As(kSuffolkAuthor).get(), list, &page), ViolationOn("page_token"));
}

TEST_F(RevisionsTest, AConflictSaysWhoSavedWhatAndShowsBothTexts) {
  ASSERT_THAT(SaveComments(kAuthor, "We welcome the report."), IsOk());
  const std::string etag = Get(kAuthor).etag();
  ASSERT_THAT(SaveComments(kSam, "We welcome this report."), IsOk());
  ASSERT_THAT(Save(kSam, Answering("Done.")), IsOk());
  const grpc::Status refused = SaveComments(kAuthor, "We note the report.", false, etag);
  EXPECT_THAT(refused, AllOf(HasReason("ETAG_MISMATCH"), StatusIs(absl::StatusCode::kAborted)));
  EXPECT_THAT(refused.error_message(), HasSubstr("people/sam saved answers/recommendation-5"));
  const google::rpc::ErrorInfo info = base::ErrorInfoOf(section55::testing::AsStatus(refused));
  EXPECT_EQ(info.metadata().at("saved_by"), "people/sam");
  EXPECT_EQ(info.metadata().at("saved_parts"), "answers/recommendation-5,comments");
  EXPECT_EQ(info.metadata().at("saved_at"), "2021-01-11T10:00:00+00:00");

  v1::ExplainConflictRequest request;
  request.mutable_response()->set_name(kNorfolk);
  request.mutable_response()->set_comments("We note the report.");
  v1::ExplainConflictResponse response;
  EXPECT_THAT(stub_->ExplainConflict(As(kAuthor).get(), request, &response), ViolationOn("etag"));
  request.set_etag(etag);
  ASSERT_THAT(stub_->ExplainConflict(As(kAuthor).get(), request, &response), IsOk());
  ASSERT_EQ(response.conflicts_size(), 1);
  EXPECT_EQ(response.conflicts(0).saved().actor(), "people/sam");
  EXPECT_EQ(response.conflicts(0).difference().before().comments(), "We welcome this report.");
  EXPECT_EQ(response.conflicts(0).difference().after().comments(), "We note the report.");
  EXPECT_GT(response.conflicts(0).difference().words_size(), 2);
  EXPECT_THAT(response.other_parts(), ElementsAre("answers/recommendation-5"));
  // What touches none of them can be sent again.
  request.mutable_response()->clear_comments();
  request.mutable_response()->set_monitoring("Each quarter.");
  ASSERT_THAT(stub_->ExplainConflict(As(kAuthor).get(), request, &response), IsOk());
  EXPECT_EQ(response.conflicts_size(), 0);
  EXPECT_THAT(response.other_parts(), ElementsAre("answers/recommendation-5", "comments"));
  EXPECT_THAT(stub_->ExplainConflict(As(kSuffolkAuthor).get(), request, &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(RevisionsTest, TheEtagOfAnAnswerIsAboutThatAnswerAlone) {
  ASSERT_THAT(Save(kAuthor, Answering("Done.")), IsOk());
  const std::string etag = Get(kAuthor).answers(0).etag();
  ASSERT_THAT(SaveComments(kSam, "Meanwhile."), IsOk());
  ASSERT_THAT(Save(kAuthor, Answering("Done, and more.", etag)), IsOk()) << "nobody else saved this answer";
  ASSERT_THAT(SaveComments(kSam, "Again."), IsOk());
  const grpc::Status refused = Save(kSam, Answering("Mine.", etag));
  EXPECT_THAT(refused, HasReason("ETAG_MISMATCH"));
  EXPECT_THAT(refused.error_message(), HasSubstr("people/ann saved answers/recommendation-5"));
}

}  // namespace
}  // namespace section55::authoring
